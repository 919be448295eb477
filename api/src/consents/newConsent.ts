import type { Json } from "#protocol/consentRecord.ts";
import type { Caller } from "../accounts/scope.ts";
import type { Context } from "../verb.ts";
import type { ConsentSurface } from "./consentSurface.ts";

/** What all surfaces' words come down to. */
export type ConsentAction = "grant" | "decline" | "withdraw" | "none";

/** The document version that was shown; `textSha256`: 64 hex digits, of the exact bytes of the text. */
export type ShownDocument = {
  versionId: string;
  slug: string;
  version: string;
  language: string;
  textSha256: string;
};

export type JsonObject = { [name: string]: Json };

/**
 * A consent that is to be recorded. Every text is well-formed Unicode, and every number a safe one: the strict body reader sees to both.
 * What is absent does not stand in the record.
 */
export type NewConsent = {
  surface: ConsentSurface;
  /** HashEntry's `consent_type`; a word of the surface's own elsewhere. */
  type: string;
  /** See actions.ts. Of `receipts`, a `decline` while a grant stands in the thread becomes a `withdraw`. */
  action: ConsentAction;
  /** The surface's own word for the action: `accept`, `gpc_auto_applied`. */
  decision?: string;

  /** Personal. One of the two at most; they are one namespace: an erasure names a person by either. */
  visitor?: string;
  subject?: string;
  /** Personal. */
  delegate?: string;

  issuer?: string;
  target?: string;
  source?: string;
  scope?: string;
  /** Domain: HashEntry's site, OptSens's domain. */
  site?: string;
  /** The gate's verification, `ver_…`. */
  verification?: string;
  document?: ShownDocument;

  categories?: Record<string, boolean>;
  jurisdiction?: string;
  framework?: string;
  gpc?: { detected: boolean; honored: boolean };
  /** As they were sent, never encoded anew. */
  tcfString?: string;
  acString?: string;
  gppString?: string;
  /** What is wrong with the signals: `tcf_not_decodable`, `tcf_contradicts_categories`. */
  flags?: string[];

  /** As it was sent; kept only as a mask and a keyed hash. Personal. */
  ipAddress?: string;
  /** Personal, as are page URL and metadata. */
  userAgent?: string;
  pageUrl?: string;
  metadata?: JsonObject;

  language?: string;
  bannerMode?: string;
  /** When the person acted, by the client's word; `created` is the server's time. */
  consentedAt?: Date;
  expiresAt?: Date;

  /**
   * The service's own signature, made once the record has its name and time. It stands over personal values, so it is personal too.
   */
  sign?: (record: { token: string; createdAt: Date }) => ConsentSignature;
  /** 64 hex digits: the record that this one follows where it is in no thread. In a thread it is always the last one. */
  previousDigest?: string;

  /** Of the record of an erasure: how many records, and SHA-256 over their digests (hex, sorted, one a line). */
  erased?: { records: number; digests_sha256: string };

  /** Signatu's token: found again by it, not unique. */
  shortToken?: string;
};

/** Hex, with the id of the key (OS-4). */
export type ConsentSignature = { scheme: "HMAC-SHA256"; key_id: string; value: string };

export type RecordedConsent = {
  /** `ct_` and 32 hex digits. */
  token: string;
  /** UUID version 7; also the id of the submission that has the record digest as its content hash. */
  id: string;
  /** 64 hex digits; `proof_hash` is `sha256:` and these. */
  recordDigest: string;
  createdAt: Date;
  /** As recorded: of `receipts`, a `decline` may have become a `withdraw`. */
  action: ConsentAction;
};

/** HE-8. Keys belong to a tenant and are kept for IDEMPOTENCY_KEPT_MS. */
export type Idempotency = {
  key: string;
  /** 32 bytes, of whatever must be equal in a repeat: path and body. */
  requestSha256: Buffer;
  /** The answer that is stored, in the same transaction, and given again to a repeat. Holds nothing personal. */
  answerOf: (recorded: RecordedConsent[]) => string;
};

export const IDEMPOTENCY_KEPT_MS = 86_400_000;

export type RecordConsents = {
  ctx: Omit<Context, "db">;
  /** Who the caller is now, when somebody's access has changed since the request was let in; throws when it is nobody. */
  renewCaller: () => Promise<Caller>;
  /** The chain that the record digests go to: `chains.forSubmission()`. */
  chainId: number;
  /** All are recorded, or none; may be none, so that an idempotency key can stand for an answer without a record. At most CONSENTS_PER_CALL_MAX. */
  consents: NewConsent[];
  idempotency?: Idempotency;
  /** What the audit row says of the call; 201 unless set. */
  statusCode?: number;
};

export const CONSENTS_PER_CALL_MAX = 1_000;

export type RecordOutcome = {
  /** In the order of the call. Empty in a replay. */
  recorded: RecordedConsent[];
  /** What the first call with the same idempotency key was answered; null when this is that call. */
  replayed: string | null;
};

/**
 * Records consents; the promise is kept when this returns (see recordConsents.ts).
 * @throws {IdempotencyConflictError} 409, the key stands for another request.
 * @throws {QuotaExceededError} 429, nothing of the call was recorded.
 */
export type RecordConsentsVerb = (input: RecordConsents) => Promise<RecordOutcome>;
