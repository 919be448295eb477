import type { Hex } from "./bytes.ts";

const CONTENT_HASH = /^0x[0-9a-fA-F]{64}$/;

/**
 * The content hash in a caller's text, in lower case; null when it is none.
 * Any case is accepted, so that the same 32 bytes are never two submissions.
 */
export function parseContentHash(text: unknown): Hex | null {
  return typeof text === "string" && CONTENT_HASH.test(text) ? (text.toLowerCase() as Hex) : null;
}
