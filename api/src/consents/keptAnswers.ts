import { hash } from "node:crypto";
import type { Database } from "../db/client.ts";
import { IdempotencyConflictError } from "./consentErrors.ts";
import { IDEMPOTENCY_KEPT_MS, type Idempotency } from "./newConsent.ts";
import { readAnswers } from "./readEarlier.ts";

/**
 * What the first request with this idempotency key was answered; null when this is the first. Asked before a request is looked at
 * more closely: what has changed since then, such as a document version that was retired, must not change the answer.
 * @throws {IdempotencyConflictError} when the key stands for another request.
 */
export async function findKeptAnswer(
  db: Database,
  tenantId: string,
  { key, requestSha256 }: Pick<Idempotency, "key" | "requestSha256">,
  now: Date,
): Promise<string | null> {
  const [kept] = await readAnswers(db, [{ tenantId, digest: hash("sha256", key) }], now);
  if (kept === undefined) return null;
  if (!kept.requestSha256.equals(requestSha256)) throw new IdempotencyConflictError();
  return kept.answer;
}

/** Deletes answers whose time is over (HE-8). */
export async function forgetOldAnswers({ pool }: Pick<Database, "pool">, now: Date): Promise<void> {
  const over = new Date(now.getTime() - IDEMPOTENCY_KEPT_MS);
  await pool.query("DELETE FROM app.idempotency_keys WHERE created_at <= $1", [over]);
}
