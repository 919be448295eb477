import { expect, test } from "vitest";
import { isMet, tableOf } from "./report.ts";

test.each([
  ["≥ 2.5", 2.5, true],
  ["≥ 2.5", 2.49, false],
  ["≤ 1", 1, true],
  ["≤ 1", 1.01, false],
  ["± 20 %", 0.8001, true],
  ["± 20 %", 1.19, true],
  ["± 20 %", 1.21, false],
  ["± 20 %", 0.79, false],
  ["≥ 2.5", Number.NaN, false],
  ["", Number.NaN, null],
])("promise %s at ratio %d: met is %s", (promise, ratio, met) => {
  expect(isMet({ ratio, promise })).toBe(met);
});

test("a promise that cannot be read is not taken as met", () => {
  expect(() => isMet({ ratio: 3, promise: "about 2" })).toThrow(RangeError);
});

test("the table marks a broken promise", () => {
  const table = tableOf([{ name: "a", measured: "1/s", baseline: "2/s", ratio: 0.5, promise: "≥ 0.6" }]);
  expect(table.split("\n").at(-1)).toMatch(/\| a +\| 1\/s +\| 2\/s +\| 0\.50 +\| ≥ 0\.6 +\| \*\*no\*\* \|/);
});
