import { isIP } from "node:net";
import { type AddressKind, kindOfAddress } from "./publicAddress.ts";

/** Where a tenant wants to be called, or why nobody is called there. */
export type Target = { ok: true; url: URL; hostname: string } | { ok: false; reason: string };

export const URL_CHARACTERS_MAX = 2_048;

const NOT_PUBLIC = "must not point at a loopback, private, link-local or otherwise special address";

/** Names that mean something within a network alone (RFC 6761, 6762, 8375; ICANN's `internal`). */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|home\.arpa)$/;

/**
 * Whether a URL may be called at all, by its text alone. Numeric spellings such as 0x7f.1 and 2130706433 are addresses to the URL
 * parser (WHATWG), which writes them out. A name still has to be resolved, each time.
 * @param allowLoopback lets http and https to this machine through as well, and nothing else.
 */
export function parseTarget(text: string, allowLoopback: boolean): Target {
  const url = /[\s\p{Cc}\\]/u.test(text) ? null : URL.parse(text);
  if (url === null) return refused("must be an HTTPS URL");
  if (text.length > URL_CHARACTERS_MAX) return refused(`must have at most ${URL_CHARACTERS_MAX} characters`);
  if (url.username !== "" || url.password !== "") return refused("must not hold a user or password");
  const hostname = hostnameOf(url);
  const kind = kindOfHostname(hostname);
  if (kind === "loopback" && allowLoopback && /^https?:$/.test(url.protocol))
    return { ok: true, url, hostname };
  if (url.protocol !== "https:") return refused("must be an HTTPS URL");
  return kind === "public" ? { ok: true, url, hostname } : refused(NOT_PUBLIC);
}

function refused(reason: string): Target {
  return { ok: false, reason };
}

/** Without the brackets of IPv6 and the root's dot. */
function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

function kindOfHostname(hostname: string): AddressKind {
  if (isIP(hostname) !== 0) return kindOfAddress(hostname);
  if (isLocalhost(hostname)) return "loopback";
  return hostname.includes(".") && !LOCAL_NAME.test(hostname) ? "public" : "other";
}

/** RFC 6761 §6.3: always this machine, whatever a resolver says. */
export function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost$/.test(hostname);
}
