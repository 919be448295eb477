import type { Context } from "../verb.ts";
import type { PlanLimits } from "./plan.ts";
import { readMonthlyHashes } from "./readMonthlyHashes.ts";

/** What the caller may still submit this month, and ask this minute (HA-6). */
export async function getQuota({ ctx, planLimits }: { ctx: Context; planLimits: PlanLimits }) {
  const { tenantId, plan, rateLimitPerMinute } = ctx.caller;
  const used = await readMonthlyHashes(ctx.db, tenantId, ctx.clock());
  const limit = plan && planLimits[plan];
  return {
    plan,
    monthly: { limit, used, remaining: limit === null ? null : Math.max(0, limit - used) },
    rateLimit: { limit: rateLimitPerMinute, perMinute: true },
  };
}
