import fc from "fast-check";
import { expect, test } from "vitest";
import { groupCalls } from "./groupCalls.ts";

/** Carries out what an item says: its answer is its number, and a group with a `fails` in it is rejected. */
type Item = { number: number; weight: number; fails: boolean };

const items = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 8 }), fails: fc.boolean() }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((some) => some.map((item, number) => ({ number, ...item, fails: item.fails && number % 7 === 0 })));

test("every caller gets its own answer, or the rejection of its own group, whatever comes together", async () => {
  await fc.assert(
    fc.asyncProperty(
      items,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.boolean()),
      async (all, weightMax, concurrencyMax, pauses) => {
        const groups: Item[][] = [];
        let underWay = 0;
        const call = groupCalls(
          async (group: Item[]) => {
            groups.push(group);
            expect(++underWay).toBeLessThanOrEqual(concurrencyMax);
            await new Promise(setImmediate);
            underWay--;
            if (group.some((item) => item.fails)) throw new Error(`group of ${group[0]!.number}`);
            return group.map((item) => item.number);
          },
          { weightMax, weightOf: (item) => item.weight, concurrencyMax },
        );
        const answers: Promise<PromiseSettledResult<number>[]>[] = [];
        for (const item of all) {
          answers.push(Promise.allSettled([call(item)]));
          if (pauses.next().value) await new Promise(setImmediate);
        }
        const settled = (await Promise.all(answers)).flat();

        expect(groups.flat()).toEqual(all);
        for (const group of groups) {
          const weight = group.reduce((sum, item) => sum + item.weight, 0);
          expect(weight <= weightMax || group.length === 1).toBe(true);
          for (const { number } of group) {
            const answer = settled[number]!;
            if (group.some((item) => item.fails))
              expect(answer).toMatchObject({ reason: { message: `group of ${group[0]!.number}` } });
            else expect(answer).toEqual({ status: "fulfilled", value: number });
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("calls that wait while a group is under way go together in the next", async () => {
  const sizes: number[] = [];
  const first = Promise.withResolvers<void>();
  const call = groupCalls(
    async (group: number[]) => {
      sizes.push(group.length);
      if (sizes.length === 1) await first.promise;
      return group;
    },
    { weightMax: 100, concurrencyMax: 1 },
  );
  const lone = call(0);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  const later = Array.from({ length: 20 }, (_, index) => call(index + 1));
  first.resolve();
  expect(await Promise.all([lone, ...later])).toEqual(Array.from({ length: 21 }, (_, index) => index));
  expect(sizes).toEqual([1, 20]);
});

test("a rejected group does not stop the ones after it, even when it throws at once", async () => {
  const call = groupCalls(
    (group: number[]): Promise<number[]> => {
      if (group.includes(1)) throw new Error("refused");
      return Promise.resolve(group);
    },
    { weightMax: 1, concurrencyMax: 1 },
  );
  const answers = await Promise.allSettled([call(1), call(2), call(1), call(3)]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected", "fulfilled"]);
});
