import { createHmac } from "node:crypto";
import type { Context } from "hono";
import { InvalidInputError } from "../errors.ts";
import { readBody } from "./body.ts";
import type { AppEnv } from "./context.ts";

/** A request that says which other one it repeats (HE-8). */
export type IdempotentRequest = {
  /** Of one API key and one route: the same text from another key, or for another route, is another. */
  key: string;
  /**
   * HMAC-SHA256 over path and body: a repeat has the same. Keyed by the given Idempotency-Key, of which nothing but a digest is stored:
   * a body holds values of a person, and by a plain digest they could be guessed after an erasure.
   */
  requestSha256: Buffer;
};

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
const RULE = "must have 1 to 255 printable ASCII characters";

/**
 * What the header Idempotency-Key says; null when there is none.
 * @throws {InvalidInputError} for one that cannot be told from another.
 */
export async function idempotentRequest(c: Context<AppEnv>): Promise<IdempotentRequest | null> {
  const given = c.req.header("idempotency-key");
  if (given === undefined) return null;
  if (!PRINTABLE.test(given))
    throw new InvalidInputError(`Invalid Idempotency-Key: ${RULE}`, [
      { member: "Idempotency-Key", problem: RULE },
    ]);
  const path = c.env.incoming.url!.split("?", 1)[0]!;
  const requestSha256 = createHmac("sha256", given)
    .update(`${path}\n`)
    .update(await readBody(c))
    .digest();
  return { key: JSON.stringify([c.get("caller").apiKeyId, c.get("call").action, given]), requestSha256 };
}
