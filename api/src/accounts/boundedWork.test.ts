import fc from "fast-check";
import { expect, test } from "vitest";
import { boundWork } from "./boundedWork.ts";

test("runs so many works at once, lets so many wait in their order, and refuses the others", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (atOnceMax, waitingMax, works) => {
        const bounded = boundWork({ atOnceMax, waitingMax });
        let running = 0;
        let most = 0;
        const begun: number[] = [];
        const run = (fails: boolean, index: number) =>
          bounded(async () => {
            begun.push(index);
            most = Math.max(most, ++running);
            await new Promise((resolve) => setImmediate(resolve));
            running--;
            if (fails) throw new Error("failed");
            return index;
          });
        const outcomes = await Promise.allSettled(works.map(run));
        const taken = Math.min(works.length, atOnceMax + waitingMax);
        expect(begun).toEqual(Array.from({ length: taken }, (_, index) => index));
        expect(most).toBe(Math.min(atOnceMax, works.length));
        for (const [index, outcome] of outcomes.entries()) {
          if (index >= taken) expect(outcome).toMatchObject({ status: "rejected", reason: { status: 503 } });
          else expect(outcome.status).toBe(works[index] ? "rejected" : "fulfilled");
        }
        expect(await bounded(async () => "free again")).toBe("free again");
      },
    ),
  );
});
