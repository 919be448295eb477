/** Plans with a monthly limit (HA-14); a tenant without one has none. */
export const PLANS = ["free", "basic", "pro"] as const;
export type Plan = (typeof PLANS)[number];

/** Hashes per calendar month (UTC), by plan. */
export type PlanLimits = Readonly<Record<Plan, number>>;

/** Requests per minute that a tenant may give a key of its own at most, by plan; without one as many as any key may have. */
export type PlanRateLimits = Readonly<Record<Plan, number>>;

/** What a tenant may submit in the month, and has submitted. */
export type Quota = { limit: number; used: number };

/** First day of the month, as PostgreSQL reads a date. */
export function monthOf(time: Date): string {
  return `${time.getUTCFullYear()}-${String(time.getUTCMonth() + 1).padStart(2, "0")}-01`;
}
