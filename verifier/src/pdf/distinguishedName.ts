import { bytesToHex } from "#protocol/bytes.ts";
import { childrenOf, type Der, objectIdentifierOf, TAG } from "./der.ts";

/** RFC 4514 §3. */
const SHORT_NAMES: Record<string, string> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

const ENCODINGS: Record<number, string> = {
  12: "utf-8", // UTF8String
  19: "latin1", // PrintableString
  20: "latin1", // TeletexString, as issuers have used it
  22: "latin1", // IA5String
  30: "utf-16be", // BMPString
};

/**
 * A Name (RFC 5280 §4.1.2.4) as text after RFC 4514: the most specific part first. Invisible
 * characters are escaped too.
 * @throws {InvalidDerError}
 */
export function distinguishedNameOf(name: Der | undefined): string {
  return childrenOf(name, TAG.sequence)
    .reverse()
    .map((relative) => childrenOf(relative, TAG.set).map(attributeOf).join("+"))
    .join(",");
}

function attributeOf(attribute: Der): string {
  const [type, value] = childrenOf(attribute, TAG.sequence);
  const dotted = objectIdentifierOf(type);
  const encoding = value && ENCODINGS[value.tag];
  const shortName = SHORT_NAMES[dotted];
  if (shortName && encoding)
    return `${shortName}=${escaped(new TextDecoder(encoding).decode(value.content))}`;
  return `${shortName ?? dotted}=#${value ? hexOf(value.bytes) : ""}`;
}

/** RFC 4514 §2.4. */
function escaped(text: string): string {
  return text
    .replace(/[\\"+,;<>]|^[ #]| $/g, (character) => `\\${character}`)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
      hexOf(new TextEncoder().encode(character)).replace(/../g, (byte) => `\\${byte}`),
    );
}

function hexOf(bytes: Uint8Array): string {
  return bytesToHex(bytes).slice(2);
}
