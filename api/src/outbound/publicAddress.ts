import ipaddr from "ipaddr.js";

/**
 * - `public`: an address that is routed on the Internet.
 * - `loopback`: this machine.
 * - `other`: everything else: private, link-local, unique-local, carrier-grade NAT, multicast, reserved, and IPv6 forms that
 *   carry an IPv4 address (mapped, compatible, 6to4, NAT64, Teredo).
 */
export type AddressKind = "public" | "loopback" | "other";

/** Global unicast of IPv6 (IANA): what lies outside it is not assigned to anybody. */
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");

/** Azure's host services, which look public to the registries and are reachable from its machines alone. */
const SERVICES_OF_HOSTS = new Set(["168.63.129.16"]);

/** @param address an IP address as the resolver or the URL parser writes it. Ranges: IANA's special-purpose registries. */
export function kindOfAddress(address: string): AddressKind {
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range === "loopback") return "loopback";
  if (range !== "unicast" || SERVICES_OF_HOSTS.has(parsed.toString())) return "other";
  if (parsed.kind() === "ipv6" && !parsed.match(GLOBAL_UNICAST)) return "other";
  return "public";
}
