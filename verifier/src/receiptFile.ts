import { parseStrictJson } from "#protocol/strictJson.ts";

/**
 * The receipt in a file's bytes: the file itself, or the `receipt` member of an answer of GET /v1/verify. Null when the bytes
 * are no UTF-8, no JSON, or JSON that two readers could read differently; then they are no receipt.
 */
export function receiptInFile(bytes: Uint8Array): unknown {
  const parsed = parseStrictJson(textOf(bytes));
  if (!parsed.ok) return null;
  const { value } = parsed;
  const isAnswer =
    typeof value === "object" &&
    value !== null &&
    "receipt" in value &&
    !("anchor" in value && "proof" in value);
  return isAnswer ? value.receipt : value;
}

/** An empty text, which is no JSON, when the bytes are no UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}
