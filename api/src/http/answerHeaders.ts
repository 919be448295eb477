import { isKeyed, type Route } from "./route.ts";

/** Headers of answers, by name, as OpenAPI describes them. */
export const HEADERS = {
  "X-Request-Id": {
    description: "The id that the log and the audit row carry",
    schema: { type: "string", format: "uuid" },
  },
  "WWW-Authenticate": { description: "Bearer", schema: { type: "string" } },
  "X-RateLimit-Limit": { description: "Requests per minute of the key", schema: { type: "integer" } },
  "X-RateLimit-Remaining": { description: "Requests left in this minute", schema: { type: "integer" } },
  "Retry-After": {
    description: "Seconds; not when the monthly quota is what is used up",
    schema: { type: "integer" },
  },
  "X-Quota-Limit": {
    description: "Hashes per calendar month (UTC), of a tenant with a plan",
    schema: { type: "integer" },
  },
  "X-Quota-Used": { description: "Hashes submitted this month", schema: { type: "integer" } },
  "X-Quota-Remaining": { description: "Hashes left this month", schema: { type: "integer" } },
} as const;
type HeaderName = keyof typeof HEADERS;

/** Which of them stand on the answers of a route with this status. */
export function headersOf({ access }: Route, status: number): HeaderName[] {
  const isFailure = status >= 500;
  return [
    "X-Request-Id",
    ...(status === 401 ? (["WWW-Authenticate"] as const) : []),
    // A signature is looked at once the key has been counted.
    ...(isKeyed(access) && (status !== 401 || access.hmac || access.signable) && !isFailure
      ? (["X-RateLimit-Limit", "X-RateLimit-Remaining"] as const)
      : []),
    ...(status === 429 || (status === 503 && access !== "open") ? (["Retry-After"] as const) : []),
    ...(isKeyed(access) && access.countsToQuota && (status < 300 || status === 429)
      ? (["X-Quota-Limit", "X-Quota-Used", "X-Quota-Remaining"] as const)
      : []),
  ];
}
