import { parseStrictJson } from "#protocol/strictJson.ts";

/** What a file gives to check: a receipt, and what was handed out of a consent record beside it, if anything. */
export type FileContent = { receipt: unknown; record?: { disclosures: unknown; _sd: unknown } };

/**
 * What is to be checked in a file's bytes: a receipt itself, an answer of GET /v1/verify with one, or a consent
 * `{receipt, disclosures, _sd}`, also inside of an answer's `data`. The receipt is null when the bytes are no UTF-8, no JSON, or JSON that
 * two readers could read differently; then they are no receipt. So is an answer that speaks of another hash than the receipt in
 * it, or says that nothing is verified: a valid receipt must not lend it credit.
 */
export function contentOfFile(bytes: Uint8Array): FileContent {
  const parsed = parseStrictJson(textOf(bytes));
  if (!parsed.ok) return { receipt: null };
  const value = unwrapped(parsed.value);
  if (!isObject(value) || !("receipt" in value) || ("anchor" in value && "proof" in value))
    return { receipt: value };
  const receipt = isAbout(value, value.receipt) ? value.receipt : null;
  if (!("_sd" in value || "disclosures" in value)) return { receipt };
  return { receipt, record: { disclosures: value.disclosures ?? [], _sd: value._sd } };
}

function unwrapped(value: unknown): unknown {
  return isObject(value) && isObject(value.data) && "receipt" in value.data ? value.data : value;
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
