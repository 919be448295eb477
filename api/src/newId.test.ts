import { validate, version } from "uuid";
import { expect, test } from "vitest";
import { newId } from "./newId.ts";

test("ids are UUIDs of version 7 that carry the time of their making", () => {
  const beforeMs = Date.now();
  const id = newId();
  expect(validate(id)).toBe(true);
  expect(version(id)).toBe(7);
  const timeMs = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
  expect(timeMs).toBeGreaterThanOrEqual(beforeMs);
  expect(timeMs).toBeLessThanOrEqual(Date.now());
});

test("300,000 ids in a row rise and are all different, more than the counter holds in one millisecond", () => {
  const ids = Array.from({ length: 300_000 }, newId);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
});
