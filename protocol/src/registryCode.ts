import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, type Hex, hexToBytes } from "./bytes.ts";
import { registryCodeHash, registryImmutables } from "./knownRegistry.ts";

const IMMUTABLE_BYTES = 32;

/**
 * Whether a contract's runtime code, as eth_getCode answers it, is that of this release's
 * AnchorRegistry. Its immutables are left aside: they hold the chain's id and the address, and
 * serve anchorFor's signatures alone.
 */
export function isRegistryCode(code: Hex): boolean {
  const bytes = hexToBytes(code);
  for (const place of registryImmutables) bytes.fill(0, place, place + IMMUTABLE_BYTES);
  return bytesToHex(keccak_256(bytes)) === registryCodeHash;
}
