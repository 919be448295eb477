import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** `192.0.2.1:443`, `[2001:db8::1]:443` or `[2001:db8::1]`, as some proxies write a hop. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?)$/;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The bare address of one that sockets or proxies spell; an IPv4 address mapped into IPv6 as IPv4. */
function plain(spelled: string): string {
  const [, ipv4, ipv6] = WITH_PORT.exec(spelled) ?? [];
  const address = ipv4 ?? ipv6 ?? spelled;
  return MAPPED_IPV4.exec(address)?.[1] ?? address;
}

/**
 * The client's address: the peer's own, or, when the peer is a trusted proxy, the last address in X-Forwarded-For that is
 * no trusted proxy (each proxy appends the peer it saw, so only what trusted ones appended can be believed), or X-Real-IP.
 */
export function createClientAddress(trustedProxies: readonly string[]) {
  const trusted = new BlockList();
  for (const proxy of trustedProxies) {
    const [address = "", prefix] = proxy.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  const isTrusted = (address: string) => trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");

  return (peer: string | undefined, forwardedFor: string | undefined, realIp: string | undefined): string => {
    const peerAddress = plain(peer ?? "");
    if (isIP(peerAddress) === 0) return "unknown";
    if ((forwardedFor === undefined && realIp === undefined) || !isTrusted(peerAddress)) return peerAddress;
    const hops = (forwardedFor ?? "").split(",").map((hop) => plain(hop.trim()));
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) break;
      if (!isTrusted(hop)) return hop;
    }
    const real = plain(realIp?.trim() ?? "");
    return isIP(real) === 0 ? peerAddress : real;
  };
}

/**
 * What an address counts to in limits: IPv6 addresses by their first 64 bits, for whoever has one address of such a network has
 * all of them (RFC 6177, RFC 8981); everything else by itself.
 */
export function networkOf(clientAddress: string): string {
  const [address = ""] = clientAddress.split("%");
  if (!isIPv6(address)) return clientAddress;
  const [before = "", after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = before === "" ? [] : before.split(":");
  const groupsAfter = after ? after.split(":") : [];
  const zeros = Array<string>(8 - groups.length - groupsAfter.length).fill("0");
  return `${[...groups, ...zeros, ...groupsAfter].slice(0, 4).join(":")}::/64`;
}
