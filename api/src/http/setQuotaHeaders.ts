import type { Context } from "hono";
import type { Quota } from "../accounts/plan.ts";
import { quotaHeaders } from "../errors.ts";
import { type AppEnv, setHeader } from "./context.ts";

/** Of every answer to a submission by a tenant with a plan (HA-14). */
export function setQuotaHeaders(c: Context<AppEnv>, quota: Quota | null): void {
  if (quota === null) return;
  for (const [name, value] of Object.entries(quotaHeaders(quota))) setHeader(c, name, value);
}
