import { expect, test } from "vitest";
import { remember } from "./remember.ts";

function remembering() {
  const reads: PromiseWithResolvers<string>[] = [];
  let nowMs = 0;
  const ask = remember(
    () => {
      const read = Promise.withResolvers<string>();
      reads.push(read);
      return read.promise;
    },
    100,
    () => new Date(nowMs),
  );
  const at = (ms: number) => {
    nowMs = ms;
    return ask();
  };
  return { reads, at };
}

test("an answer is given again until it is stale", async () => {
  const { reads, at } = remembering();
  const first = at(0);
  reads[0]!.resolve("a");
  expect([await first, await at(99)]).toEqual(["a", "a"]);
  const second = at(100);
  reads[1]!.resolve("b");
  expect([await second, reads.length]).toEqual(["b", 2]);
});

test("a read that is under way is shared, however long it takes", async () => {
  const { reads, at } = remembering();
  const asked = [at(0), at(1_000), at(60_000)];
  expect(reads).toHaveLength(1);
  reads[0]!.resolve("a");
  expect(await Promise.all(asked)).toEqual(["a", "a", "a"]);
});

test("a failure is every waiting call's, and the next one reads again", async () => {
  const { reads, at } = remembering();
  const asked = [at(0), at(1)];
  reads[0]!.reject(new Error("down"));
  for (const answer of asked) await expect(answer).rejects.toThrow("down");
  const next = at(2);
  reads[1]!.resolve("up");
  expect(await next).toBe("up");
});
