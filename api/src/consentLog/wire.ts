import { z } from "zod";
import type { Json } from "#protocol/consentRecord.ts";
import { receiptAnswer } from "../anchoring/wire.ts";
import { ACTION_OF_LOG_DECISION } from "../consents/actions.ts";
import { canonicalAddress } from "../consents/ipAddress.ts";
import { originAnswer } from "../consents/wire.ts";
import { objectOf, textOf } from "../http/bodyFields.ts";

export const BATCH_CONSENTS_MAX = 100;
const METADATA_BYTES_MAX = 65_536;
const CATEGORIES_MAX = 100;

const DECISIONS = Object.keys(ACTION_OF_LOG_DECISION) as (keyof typeof ACTION_OF_LOG_DECISION)[];

const metadata = objectOf(METADATA_BYTES_MAX).refine(({ categories }) => isCategories(categories), {
  message: `must map at most ${CATEGORIES_MAX} categories of 1 to 100 characters to true or false`,
  path: ["categories"],
});

function isCategories(categories: Json | undefined): boolean {
  if (categories === undefined || categories === null) return true;
  if (typeof categories !== "object" || categories === null || Array.isArray(categories)) return false;
  const entries = Object.entries(categories);
  return (
    entries.length <= CATEGORIES_MAX &&
    entries.every(([name, on]) => name.length >= 1 && name.length <= 100 && typeof on === "boolean")
  );
}

const ipAddress = z
  .string("must be an IP address")
  .max(100, "must be an IP address")
  .refine((address) => canonicalAddress(address) !== null, "must be an IP address");

/** An empty one is none: a client that has none says so in either way. */
const userAgent = z.union([z.literal(""), textOf(2_048)], "must be a text of at most 2048 characters");

/** HE-2. A member that is null is one that is absent. */
export const consentInput = z
  .object(
    {
      consent_type: textOf(100).describe("cookie_consent, document_approval, or a word of your own"),
      decision: z.enum(DECISIONS, `must be one of ${DECISIONS.join(", ")}`),
      document_version_id: z
        .string("must be the id of a document version")
        .max(255, "must be the id of a document version")
        .nullish(),
      visitor_id: textOf(255).nullish(),
      visitor_region: textOf(100).nullish(),
      compliance_framework: textOf(100).nullish(),
      ip_address: ipAddress.nullish(),
      user_agent: userAgent.nullish(),
      metadata: metadata.nullish(),
    },
    "must be an object",
  )
  .refine(({ consent_type: type, document_version_id: id }) => type !== "document_approval" || Boolean(id), {
    message: "is required for document_approval",
    path: ["document_version_id"],
  });
export type ConsentInput = z.output<typeof consentInput>;

/** Items are looked at one by one: a bad one is no reason to lose the others (HE-5). */
export const batchInput = z.object(
  {
    consents: z
      .array(z.unknown(), `must be a list of 1 to ${BATCH_CONSENTS_MAX} consents`)
      .min(1, `must be a list of 1 to ${BATCH_CONSENTS_MAX} consents`)
      .max(BATCH_CONSENTS_MAX, `must be a list of 1 to ${BATCH_CONSENTS_MAX} consents`),
  },
  "must be an object",
);

export const withdrawInput = z.object(
  {
    ip_address: ipAddress.nullish(),
    user_agent: userAgent.nullish(),
    metadata: metadata.nullish(),
  },
  "must be an object",
);
export type WithdrawInput = z.output<typeof withdrawInput>;

const token = z.string().regex(/^ct_[0-9a-f]{32}$/);
export const consentTokenParam = token;
const proofHash = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const time = z.iso.datetime().describe("ISO 8601, UTC");

const recorded = { consent_token: token, proof_hash: proofHash, created_at: time };
export const recordedAnswer = z.object({ message: z.string(), data: z.object(recorded) });
export const batchAnswer = z.object({
  message: z.string(),
  data: z.array(
    z.union([
      z.object({ index: z.int(), status: z.literal("recorded"), ...recorded }),
      z.object({
        index: z.int(),
        status: z.literal("error"),
        errors: z.record(z.string(), z.array(z.string())),
      }),
    ]),
  ),
});

export const consentAnswer = z.object({
  data: z.object({
    ...recorded,
    record: z.record(z.string(), z.unknown()).describe("Names and values of what is left of the record"),
    disclosures: z.array(z.string()).describe("SD-JWT disclosures (RFC 9901) of these"),
    _sd: z.array(z.string()).describe("Digests of all disclosures, erased ones too"),
    status: z.enum(["pending", "batched", "anchored"]),
    finality: z.enum(["included", "safe", "finalized"]).nullable(),
    receipt: receiptAnswer.nullable(),
    origin: originAnswer,
    erased_by: token.nullable().describe("The record of the erasure that took the personal fields"),
    reason: z.string().optional(),
  }),
});
