import { createHash } from "node:crypto";
import { type CountRequest, HOUR_SECONDS, limitRequests } from "../http/rateLimit.ts";

/** Guessing passwords and filling the database must not go at the pace of ordinary public requests. */
export type LoginLimits = {
  /** Registrations, provisionings and logins from one network, per minute. */
  perNetwork: number;
  /** Registrations and provisionings from one network, per hour. */
  signUpsPerNetwork: number;
  /** Logins to one account from one network, per minute. */
  perAccountAndNetwork: number;
  /** Logins to one account from all networks together that nobody has logged in to it from, per minute. */
  perAccountOfStrangers: number;
};

/** Each throws a 429 over its limit, alike for an account that there is and one that there is not. */
export function createLoginLimits(countRequest: CountRequest, limits: LoginLimits) {
  const limitNetwork = (network: string) => limitRequests(countRequest, `auth:${network}`, limits.perNetwork);
  return {
    async signUp(network: string): Promise<void> {
      await limitNetwork(network);
      await limitRequests(countRequest, `sign-up:${network}`, limits.signUpsPerNetwork, HOUR_SECONDS);
    },
    async logIn(email: string, network: string): Promise<void> {
      await limitNetwork(network);
      await limitRequests(countRequest, `login:${subjectOf(email)}:${network}`, limits.perAccountAndNetwork);
    },
    /** Guesses from everywhere at once; whoever has logged in from a network before is not kept out by them. */
    logInAsStranger: (email: string): Promise<void> =>
      limitRequests(countRequest, `login-strangers:${subjectOf(email)}`, limits.perAccountOfStrangers),
  };
}

/** Where requests are counted nobody needs to read who logs in. */
function subjectOf(email: string): string {
  return createHash("sha256").update(email).digest("base64url");
}
