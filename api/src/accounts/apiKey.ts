import { hash, randomBytes } from "node:crypto";

const API_KEY = /^ha_[0-9a-f]{64}$/;
const PREFIX_LENGTH = 8;

/** A new key: `ha_` and 64 hex digits of 256 random bits (HA-16). */
export function generateApiKey(): string {
  return `ha_${randomBytes(32).toString("hex")}`;
}

export function isApiKey(text: string): boolean {
  return API_KEY.test(text);
}

/** What is kept of a key. Its 256 random bits need no salt and no slow hash. */
export function apiKeySha256(key: string): Buffer {
  return hash("sha256", key, "buffer");
}

/** The first 8 characters, by which people tell keys apart. */
export function apiKeyPrefix(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}
