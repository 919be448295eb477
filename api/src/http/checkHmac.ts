import { createHmac, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { KeySecretsOf } from "../accounts/keySecretDirectory.ts";
import { UnauthorizedError } from "../errors.ts";
import { readBody } from "./body.ts";
import { isCurrent, isNew } from "./checkSignature.ts";
import type { AppEnv } from "./context.ts";
import { pairsOf, spellingsOf } from "./hmacTexts.ts";
import type { TakeNonce } from "./requestNonces.ts";
import { receiveUpload, type Upload } from "./upload.ts";

export class MissingHmacError extends UnauthorizedError {
  override name = "MissingHmacError";
  constructor() {
    super("Missing signature");
  }
}
/** The same whatever is wrong with a signature, its time stamp or its nonce. */
export class InvalidHmacError extends UnauthorizedError {
  override name = "InvalidHmacError";
  constructor() {
    super("Invalid signature");
  }
}

export type HmacChecks = {
  secretsOf: KeySecretsOf;
  takeNonce: TakeNonce;
  clock: () => Date;
  /** Where uploads lie until somebody keeps them. */
  uploadFolder: string;
};

/** What is signed after method, path and query. */
type Payload = (Uint8Array | string)[];

/**
 * Checks X-HMAC-Signature, hex HMAC-SHA256 with one of the key's secrets (proofage.md, Authentication). `body`: over
 * `METHOD + path + ("?" + query) + raw body`. `upload`: over `METHOD + path + ("?" + query) + "\n" + fields + "\n" + hashes` of a multipart
 * body, which is hashed as it comes, and of which nothing is left after the request but what the route has kept.
 *
 * A key that demands time stamps must send X-Timestamp and X-Nonce by the rules of HE-9, and sign `"\n" + timestamp + "\n" + nonce` at the
 * end of the text, or they would protect from no replay.
 */
export function checkHmac(checks: HmacChecks) {
  return (kind: "body" | "upload") =>
    createMiddleware<AppEnv>(async (c, next) => {
      if (c.req.header("x-hmac-signature") === undefined) throw new MissingHmacError();
      if (kind === "body") {
        await requireHmac(c, checks, [[await readBody(c)]]);
        return next();
      }
      const upload = await receiveUpload(c.env.incoming, checks.uploadFolder);
      try {
        await requireHmac(c, checks, payloadsOf(upload));
        c.set("upload", upload);
        await next();
      } finally {
        await upload.discard();
      }
    });
}

function payloadsOf({ fields, sha256s }: Upload): Payload[] {
  const hashes = [...sha256s].sort().join(",");
  return spellingsOf(fields).map((text) => [`\n${text}\n${hashes}`]);
}

/** @throws {InvalidHmacError} */
async function requireHmac(c: Context<AppEnv>, checks: HmacChecks, payloads: Payload[]): Promise<void> {
  const signature = c.req.header("x-hmac-signature")!;
  const caller = c.get("caller");
  if (!/^[0-9a-f]{64}$/i.test(signature)) throw new InvalidHmacError();
  const secrets = await checks.secretsOf(caller);
  const given = Buffer.from(signature, "hex");
  const heads = requestLines(c);
  const isSigned = (suffix: string) =>
    secrets.some(({ secret }) =>
      heads.some((head) =>
        payloads.some((payload) => timingSafeEqual(hmacOf(secret, [head, ...payload, suffix]), given)),
      ),
    );
  if (!caller.requireTimestamp && isSigned("")) return;
  const timestamp = c.req.header("x-timestamp");
  const nonce = c.req.header("x-nonce");
  if (!isCurrent(timestamp, checks.clock()) || !isSigned(`\n${timestamp}\n${nonce}`))
    throw new InvalidHmacError();
  if (!(await isNew(c, nonce, checks.takeNonce))) throw new InvalidHmacError();
}

/** Method, path as it was sent, and the query in each of its spellings. */
function requestLines(c: Context<AppEnv>): string[] {
  const [path = "", query = ""] = splitOnce(c.env.incoming.url!, "?");
  return spellingsOf(pairsOf(query)).map((text) => `${c.req.method}${path}${text === "" ? "" : `?${text}`}`);
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function hmacOf(secret: string, parts: Payload): Buffer {
  const hmac = createHmac("sha256", secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
