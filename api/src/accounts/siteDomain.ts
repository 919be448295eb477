import { domainToASCII } from "node:url";

/** RFC 1035 §2.3.4, without the root's dot. */
const DOMAIN_CHARACTERS_MAX = 253;
/** RFC 1123 §2.1: letters, digits and inner hyphens, 63 at most. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** The URL parser would take much more for a host: escapes, ports, addresses in brackets. */
const SPELLED = /^[\p{L}\p{M}\p{N}.-]+$/u;

/**
 * A site's domain as browsers compare it: lower case, international names in their ASCII form (UTS 46).
 * @returns null for what is none: no URL, no port, no IP address, no single word but `localhost`.
 */
export function siteDomain(text: string): string | null {
  if (!SPELLED.test(text)) return null;
  const domain = domainToASCII(text);
  const labels = domain.split(".");
  if (domain.length > DOMAIN_CHARACTERS_MAX || !labels.every((label) => LABEL.test(label))) return null;
  if (labels.length === 1) return domain === "localhost" ? domain : null;
  return /^\d+$/.test(labels.at(-1)!) ? null : domain;
}
