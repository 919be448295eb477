/** `typ` of the statement's JWS header. */
export const HISTORY_STATEMENT_TYPE = "holdfast-history+jwt";

/**
 * What a service signs of a whole thread of consents, as claims of a JWT. Every record names the one before it, so the last one and their number
 * stand for all of them.
 */
export type HistoryStatement = {
  iss: string;
  /** Until when nothing else was recorded in the thread; seconds since 1970. */
  iat: number;
  count: number;
  /** Record digest of the newest, `sha256:` and 64 hex digits. */
  last: string;
};

/** Null for anything but a statement. */
export function parseHistoryStatement(claims: unknown): HistoryStatement | null {
  const { iss, iat, count, last } = (claims ?? {}) as Partial<Record<keyof HistoryStatement, unknown>>;
  const isStatement =
    typeof iss === "string" &&
    Number.isSafeInteger(iat) &&
    Number.isSafeInteger(count) &&
    typeof last === "string" &&
    /^sha256:[0-9a-f]{64}$/.test(last);
  return isStatement ? { iss, iat: iat as number, count: count as number, last } : null;
}
