import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { RequestSignatureError } from "../errors.ts";
import { readBody } from "./body.ts";
import type { AppEnv } from "./context.ts";
import type { TakeNonce } from "./requestNonces.ts";
import { presentedApiKey } from "./requireApiKey.ts";

/** How far a time stamp may be from our clock, before and after. */
const SKEW_SECONDS_MAX = 300;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Checks a request's signature (HE-9): always when one of its headers is there, and when the key demands it. Whatever is wrong
 * with it is the same 401. `X-Signature` is hex HMAC-SHA256 with the API key over `METHOD\nPATH\ntimestamp\nnonce\nhex(sha256(body))`.
 */
export function checkSignature(takeNonce: TakeNonce, clock: () => Date) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const timestamp = c.req.header("x-timestamp");
    const nonce = c.req.header("x-nonce");
    const signature = c.req.header("x-signature");
    const isSigned = timestamp !== undefined || nonce !== undefined || signature !== undefined;
    if (isSigned) {
      const isGood =
        isCurrent(timestamp, clock()) && (await isSignedByKey(c, { timestamp, nonce, signature }));
      // Only a good signature uses a nonce up: others must not be able to spoil one.
      if (!isGood || !(await isNew(c, nonce, takeNonce))) throw new RequestSignatureError();
    } else if (c.get("caller").requireSigning) throw new RequestSignatureError();
    await next();
  });
}

/** Seconds since 1970, by our own clock not too old and not too new. */
export function isCurrent(timestamp: string | undefined, now: Date): timestamp is string {
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(now.getTime() / 1_000 - Number(timestamp)) <= SKEW_SECONDS_MAX;
}

/** Whether a nonce came with this key for the first time. */
export async function isNew(
  c: Context<AppEnv>,
  nonce: string | undefined,
  takeNonce: TakeNonce,
): Promise<boolean> {
  const { tenantId, apiKeyId } = c.get("caller");
  if (nonce === undefined || !UUID.test(nonce) || apiKeyId === null) return false;
  return takeNonce({ tenantId, apiKeyId, nonce: nonce.toLowerCase() });
}

type Signed = { timestamp: string; nonce: string | undefined; signature: string | undefined };

async function isSignedByKey(c: Context<AppEnv>, { timestamp, nonce, signature }: Signed): Promise<boolean> {
  if (nonce === undefined || signature === undefined || !/^[0-9a-f]{64}$/i.test(signature)) return false;
  const apiKey = presentedApiKey(c);
  if (apiKey === undefined) return false;
  const path = c.env.incoming.url!.split("?", 1)[0]!;
  const body = hash("sha256", await readBody(c), "hex");
  const expected = createHmac("sha256", apiKey)
    .update(`${c.req.method}\n${path}\n${timestamp}\n${nonce}\n${body}`)
    .digest();
  return timingSafeEqual(expected, Buffer.from(signature, "hex"));
}
