import { InvalidInputError } from "../errors.ts";
import { NotPublicError, type ResolveName, resolveTarget } from "./resolveTarget.ts";
import { parseTarget } from "./target.ts";

/** Refuses a tenant's URL that must not be called, in the request that names it. @throws {InvalidInputError} */
export type CheckTarget = (url: string) => Promise<void>;

const RESOLVE_MS = 2_000;

/** A name that does not resolve yet, or not in time, passes: it is resolved again for every call, where it counts. */
export function createCheckTarget(options: {
  resolveName: ResolveName;
  allowLoopback: boolean;
}): CheckTarget {
  return async (text) => {
    const target = parseTarget(text, options.allowLoopback);
    if (!target.ok) throw invalidUrl(target.reason);
    try {
      await resolveTarget(target.hostname, { ...options, signal: AbortSignal.timeout(RESOLVE_MS) });
    } catch (error) {
      if (error instanceof NotPublicError) throw invalidUrl("must lead to public addresses alone");
    }
  };
}

function invalidUrl(problem: string): InvalidInputError {
  return new InvalidInputError(`Invalid request body, url: ${problem}`, { member: "url" });
}
