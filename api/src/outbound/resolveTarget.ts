import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { kindOfAddress } from "./publicAddress.ts";
import { isLocalhost } from "./target.ts";

/** The addresses of a name. @throws when it has none. */
export type ResolveName = (hostname: string, signal: AbortSignal) => Promise<string[]>;

export class NotPublicError extends Error {
  override name = "NotPublicError";
  constructor() {
    super("the name leads to an address that is not public");
  }
}

class UnresolvedError extends Error {
  readonly code = "ENOTFOUND";
}

const LOOPBACK_ADDRESSES = ["127.0.0.1", "::1"];

/**
 * The addresses that may be connected to. One that is not public refuses them all: whoever runs the name chooses the order.
 * @throws {NotPublicError}
 */
export async function resolveTarget(
  hostname: string,
  options: { resolveName: ResolveName; allowLoopback: boolean; signal: AbortSignal },
): Promise<string[]> {
  const addresses = await addressesOf(hostname, options);
  const mayCall = (address: string) => {
    const kind = kindOfAddress(address);
    return kind === "public" || (kind === "loopback" && options.allowLoopback);
  };
  if (addresses.length === 0) throw new UnresolvedError();
  if (!addresses.every(mayCall)) throw new NotPublicError();
  return addresses;
}

function addressesOf(
  hostname: string,
  { resolveName, signal }: { resolveName: ResolveName; signal: AbortSignal },
): Promise<string[]> | string[] {
  if (isIP(hostname) !== 0) return [hostname];
  if (isLocalhost(hostname)) return LOOPBACK_ADDRESSES;
  return unlessAborted(signal, resolveName(hostname, signal));
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const DNS_TRY_MS = 2_000;
const DNS_TRIES = 2;

/**
 * Asks the system's name servers. Not getaddrinfo: its calls share four threads with signing and hashing, and names whose
 * servers are slow on purpose would hold them up.
 */
export const resolveByDns: ResolveName = async (hostname, signal) => {
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: DNS_TRIES });
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = [v4, v6].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length === 0 && v4.status === "rejected") throw v4.reason;
    return addresses;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
};
