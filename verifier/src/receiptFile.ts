import { parseStrictJson } from "#protocol/strictJson.ts";

/**
 * The receipt in a file's bytes: the file itself, or the `receipt` member of an answer of GET /v1/verify. Null when the bytes
 * are no UTF-8, no JSON, or JSON that two readers could read differently; then they are no receipt. So is an answer that
 * speaks of another hash than the receipt in it, or says that nothing is verified: a valid receipt must not lend it credit.
 */
export function receiptInFile(bytes: Uint8Array): unknown {
  const parsed = parseStrictJson(textOf(bytes));
  if (!parsed.ok) return null;
  const { value } = parsed;
  if (!isObject(value) || !("receipt" in value) || ("anchor" in value && "proof" in value)) return value;
  return isAbout(value, value.receipt) ? value.receipt : null;
}

function isAbout(answer: Members, receipt: unknown): boolean {
  if (answer.verified === false || !isObject(receipt)) return false;
  return answer.hash === undefined || lowerCase(answer.hash) === lowerCase(receipt.hash);
}

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}

function lowerCase(hash: unknown): unknown {
  return typeof hash === "string" ? hash.toLowerCase() : hash;
}

/** An empty text, which is no JSON, when the bytes are no UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}
