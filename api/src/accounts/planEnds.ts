import { QuotaExceededError } from "../errors.ts";

/**
 * Which tenants are so near the end of their plan that a call of theirs may make the group that it is stored with fail, by the month (HA-14).
 * Near is whoever was refused, until a call of any size fits again.
 */
export function createPlanEnds(hashesPerCallMax: number) {
  const near = new Map<string, string>();
  return {
    isNear: (tenantId: string, month: string): boolean => near.get(tenantId) === month,
    /** @param refusal what a call ended with. */
    noteRefusal(tenantId: string, month: string, refusal: unknown): void {
      if (refusal instanceof QuotaExceededError) near.set(tenantId, month);
    },
    /** @param quota as it stands after a call; null without a plan. */
    noteQuota(tenantId: string, quota: { limit: number; used: number } | null): void {
      if (quota === null || quota.limit - quota.used >= hashesPerCallMax) near.delete(tenantId);
    },
  };
}
