import { base64ToBytes, base64UrlToBytes, bytesToBase64, hexToBytes } from "#protocol/bytes.ts";
import { registryAddress } from "#protocol/knownRegistry.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { ContractCode } from "./checkChain.ts";
import { type Check, failed, type Pin, passed, unchecked } from "./verification.ts";

/**
 * Trust anchors that the caller knows from elsewhere, not from the receipt. `key`: the 32 raw bytes in base64, in base64url as a
 * JWK's `x` has them, or in hex with or without 0x; or a JWK; or a PEM. `publisher`, `contract`: addresses, in any case.
 * `jwtKey`: the RSA key that signs JWT receipts, as PEM, or a JWK set.
 */
export type Pins = { key?: string; publisher?: string; contract?: string; jwtKey?: string };

/** A pin that no receipt could ever meet, because it is malformed. */
export class InvalidPinError extends Error {
  override readonly name = "InvalidPinError";
  readonly pin: Pin;

  constructor(pin: Pin, shape: string) {
    super(`${pin} is not ${shape}`);
    this.pin = pin;
  }
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const KEY_HEX = /^(0x)?[0-9a-fA-F]{64}$/;
const KEY_BYTES = 32;
const PEM = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/;
/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410 §4), in base64. */
const ED25519_SPKI = "MCowBQYDK2VwAyEA";

/** The pins in the receipt's own spelling: the key in base64, addresses in lower case. @throws {InvalidPinError} */
export function normalizePins({ key, publisher, contract, jwtKey }: Pins): Pins {
  return {
    ...(key !== undefined && { key: normalizeKey(key) }),
    ...(publisher !== undefined && { publisher: normalizeAddress("publisher", publisher) }),
    ...(contract !== undefined && { contract: normalizeAddress("contract", contract) }),
    ...(jwtKey !== undefined && { jwtKey }),
  };
}

/** @param pins as normalizePins answers them. @param code what the chain has at the contract's address. */
export function checkPins({ publicKey, anchor }: AnchorReceipt, pins: Pins, code: ContractCode): Check[] {
  return [
    checkPin("key", publicKey, pins.key),
    checkPin("publisher", anchor.publisher.toLowerCase(), pins.publisher),
    checkContract(anchor.contractAddress.toLowerCase(), pins.contract, code),
  ];
}

/**
 * Anybody can deploy a contract that answers whatever they like, so one must be known: pinned, or this release's by address and code.
 */
function checkContract(claimed: string, pinned: string | undefined, code: ContractCode): Check {
  if (pinned !== undefined) return checkPin("contract", claimed, pinned);
  if (claimed !== registryAddress) return unchecked("contract", "contractUnknown", claimed);
  if (code === "unknown") return unchecked("contract", "notReached");
  return code === "known" ? passed("contract") : unchecked("contract", "contractUnknown", "other code");
}

function checkPin(name: Exclude<Pin, "jwtKey">, claimed: string, pinned: string | undefined): Check {
  if (pinned === undefined) return { name, outcome: "notPinned", claimed };
  return claimed === pinned ? passed(name) : failed(name, `${name}NotAsPinned`, claimed, pinned);
}

function normalizeAddress(pin: "publisher" | "contract", text: string): string {
  if (!ADDRESS.test(text)) throw new InvalidPinError(pin, "an address: 0x and 40 hex digits");
  return text.toLowerCase();
}

function normalizeKey(text: string): string {
  for (const read of [keyInHex, keyInBase64, keyInBase64Url, keyInPem, keyInJwk]) {
    try {
      const key = read(text.trim());
      if (key?.length === KEY_BYTES) return bytesToBase64(key);
    } catch {
      // Not this encoding.
    }
  }
  throw new InvalidPinError(
    "key",
    "an Ed25519 public key: 32 bytes in base64, base64url or hex, a JWK or a PEM",
  );
}

function keyInHex(text: string): Uint8Array | null {
  return KEY_HEX.test(text) ? hexToBytes(text.startsWith("0x") ? text : `0x${text}`) : null;
}

function keyInBase64(text: string): Uint8Array {
  return base64ToBytes(text);
}

/** With or without padding. */
function keyInBase64Url(text: string): Uint8Array {
  return base64UrlToBytes(text.replace(/=$/, ""));
}

function keyInPem(text: string): Uint8Array | null {
  const body = PEM.exec(text)?.[1]?.replace(/\s/g, "");
  return body?.startsWith(ED25519_SPKI) ? base64ToBytes(body.slice(ED25519_SPKI.length)) : null;
}

function keyInJwk(text: string): Uint8Array | null {
  const { kty, crv, x } = JSON.parse(text) as Record<string, unknown>;
  return kty === "OKP" && crv === "Ed25519" ? base64UrlToBytes(String(x)) : null;
}
