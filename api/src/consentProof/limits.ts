import type { Caller } from "../accounts/scope.ts";
import { InvalidInputError } from "../errors.ts";
import { type CountRequest, limitRequests } from "../http/rateLimit.ts";

/** What OptSens limits beside the key's own limit: how often, in how long, and whether by domain or by key. */
const LIMITS = {
  pdf: { max: 20, windowSeconds: 60, by: "site" },
  export: { max: 5, windowSeconds: 3_600, by: "site" },
  erasure: { max: 10, windowSeconds: 60, by: "key" },
} as const;

/** @throws {RateLimitedError} */
export async function limitUse(
  countRequest: CountRequest,
  use: keyof typeof LIMITS,
  caller: Pick<Caller, "tenantId" | "apiKeyId">,
  site: string,
): Promise<void> {
  const { max, windowSeconds, by } = LIMITS[use];
  const who = by === "key" ? caller.apiKeyId : `${caller.tenantId}:${site}`;
  await limitRequests(countRequest, `proof.${use}:${who}`, max, windowSeconds);
}

/** What anybody may do in a minute, by the caller's network: `verify-proof` (OS-5), and making a PDF, which takes some work. */
const PUBLIC_LIMITS = { verify: 120, publicPdf: 20 } as const;

/** @throws {RateLimitedError} */
export function limitPublicUse(
  countRequest: CountRequest,
  use: keyof typeof PUBLIC_LIMITS,
  network: string,
): Promise<void> {
  return limitRequests(countRequest, `proof.${use}:${network}`, PUBLIC_LIMITS[use]);
}

/** The domain that a key speaks for. @throws {InvalidInputError} for a key that speaks for none. */
export function siteOf({ site }: Pick<Caller, "site">): string {
  if (site === null) throw new InvalidInputError("This key belongs to no domain; create one with `site`");
  return site;
}
