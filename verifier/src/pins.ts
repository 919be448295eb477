import { base64ToBytes, bytesToBase64, hexToBytes } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Check, failed, type Pin, passed } from "./verification.ts";

/**
 * What the caller knows from elsewhere and does not take from the receipt. `key`: the 32 raw bytes in base64 or hex, with or
 * without 0x. `publisher`, `contract`: addresses, in any case. `jwtKey`: the RSA key that signs JWT receipts, as PEM.
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

/** The pins in the receipt's own spelling: the key in base64, addresses in lower case. @throws {InvalidPinError} */
export function normalizePins({ key, publisher, contract, jwtKey }: Pins): Pins {
  return {
    ...(key !== undefined && { key: normalizeKey(key) }),
    ...(publisher !== undefined && { publisher: normalizeAddress("publisher", publisher) }),
    ...(contract !== undefined && { contract: normalizeAddress("contract", contract) }),
    ...(jwtKey !== undefined && { jwtKey }),
  };
}

/** @param pins as normalizePins answers them. */
export function checkPins({ publicKey, anchor }: AnchorReceipt, pins: Pins): Check[] {
  return [
    checkPin("key", publicKey, pins.key),
    checkPin("publisher", anchor.publisher.toLowerCase(), pins.publisher),
    checkPin("contract", anchor.contractAddress.toLowerCase(), pins.contract),
  ];
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
  if (KEY_HEX.test(text)) return bytesToBase64(hexToBytes(text.startsWith("0x") ? text : `0x${text}`));
  try {
    if (base64ToBytes(text).length === 32) return text;
  } catch {
    // Neither encoding: the same answer as for a key of another length.
  }
  throw new InvalidPinError("key", "an Ed25519 public key: 32 bytes in base64 or hex");
}
