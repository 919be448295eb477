import { isIP } from "node:net";
import { InvalidInputError } from "../errors.ts";

const IPV6_GROUPS = 8;
/** 48 bits. */
const IPV6_MASK_GROUPS = 3;
/** As the URL standard's serializer writes it. */
const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** The one spelling of an address, without a zone; an IPv4 address in IPv6's clothes is the IPv4 address. Null for what is none. */
export function canonicalAddress(text: string): string | null {
  if (isIP(text) !== 6) return isIP(text) === 4 ? text : null;
  const address = compress(text.split("%")[0]!);
  const mapped = MAPPED_IPV4.exec(address)
    ?.slice(1)
    .map((group) => Number.parseInt(group, 16));
  return mapped ? mapped.flatMap((group) => [group >> 8, group & 0xff]).join(".") : address;
}

/**
 * What is kept of an address: IPv4 with its last octet 0, IPv6 to its first 48 bits.
 * @throws {InvalidInputError} for what is no address.
 */
export function maskAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address === null) throw new InvalidInputError("Not an IP address");
  if (!address.includes(":")) return address.replace(/\d+$/, "0");
  const [head, tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const omitted = tail === undefined ? 0 : IPV6_GROUPS - head!.length - tail.length;
  const groups = [...head!, ...Array<string>(omitted).fill("0"), ...(tail ?? [])];
  return compress(`${groups.slice(0, IPV6_MASK_GROUPS).join(":")}::`);
}

/** RFC 5952, as the URL standard's serializer writes it. */
function compress(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
