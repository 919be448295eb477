import { expect, test } from "vitest";
import { QuotaExceededError } from "../errors.ts";
import { createPlanEnds } from "./planEnds.ts";

test("HA-14 a tenant that was refused stays near its plan's end until a call of any size fits, or the month is over", () => {
  const planEnds = createPlanEnds(100);
  planEnds.noteRefusal("a", "2026-11", new QuotaExceededError({ limit: 1_000, used: 950 }));
  planEnds.noteRefusal("b", "2026-11", new Error("another reason"));
  expect(planEnds.isNear("a", "2026-11")).toBe(true);
  expect(planEnds.isNear("b", "2026-11")).toBe(false);
  planEnds.noteQuota("a", { limit: 1_000, used: 901 });
  expect(planEnds.isNear("a", "2026-11")).toBe(true);
  expect(planEnds.isNear("a", "2026-12")).toBe(false);
  planEnds.noteQuota("a", { limit: 2_000, used: 901 });
  expect(planEnds.isNear("a", "2026-11")).toBe(false);
  planEnds.noteRefusal("a", "2026-11", new QuotaExceededError({ limit: 1_000, used: 950 }));
  planEnds.noteQuota("a", null);
  expect(planEnds.isNear("a", "2026-11")).toBe(false);
});
