import { z } from "zod";
import { originAnswer } from "../consents/wire.ts";
import { language } from "../documents/wire.ts";
import { objectOf, textOf } from "../http/bodyFields.ts";

const METADATA_BYTES_MAX = 16_384;
const metadata = objectOf(METADATA_BYTES_MAX).refine(
  (value) => !JSON.stringify(value).includes("\\u0000"),
  "must not contain U+0000",
);

/** PA-2. A member that is null is one that is absent. */
export const createVerificationInput = z.object(
  {
    external_id: textOf(255)
      .nullish()
      .describe("Your name of the person; an erasure of it takes the verification's values and media"),
    callback_url: textOf(2_048).nullish().describe("HTTPS; called once the verification is submitted (PA-9)"),
    metadata: metadata.nullish(),
  },
  "must be an object",
);
export type CreateVerificationInput = z.output<typeof createVerificationInput>;

/** PA-3. Hex in any case (PA-5). */
export const acceptConsentInput = z.object(
  {
    consent_version_id: z
      .int("must be an integer, the id of GET /v1/consent")
      .min(1, "must be an integer, the id of GET /v1/consent")
      .max(2_147_483_647, "must be an integer, the id of GET /v1/consent"),
    text_sha256: z
      .string("must have 64 hex digits")
      .regex(/^[0-9a-fA-F]{64}$/, "must have 64 hex digits")
      .transform((hex) => hex.toLowerCase()),
  },
  "must be an object",
);
export type AcceptConsentInput = z.output<typeof acceptConsentInput>;

export const MEDIA_TYPES = ["selfie", "liveness_selfie", "document"] as const;
const SIDES = ["front", "back"] as const;

/** The fields beside the file (PA-6). */
export const mediaFields = z
  .object({
    type: z.enum(MEDIA_TYPES, `must be one of ${MEDIA_TYPES.join(", ")}`),
    side: z.enum(SIDES, `must be one of ${SIDES.join(", ")}`).optional(),
    document: textOf(100).optional().describe("Of a document: its type, such as passport"),
  })
  .superRefine(({ type, side, document }, issues) => {
    const problem = (path: string, message: string) =>
      issues.addIssue({ code: "custom", path: [path], message });
    if (type === "document" && side === undefined) problem("side", "is required for a document");
    if (type === "document" && document === undefined) problem("document", "is required for a document");
    if (type !== "document" && side !== undefined) problem("side", "is for documents alone");
    if (type !== "document" && document !== undefined) problem("document", "is for documents alone");
  });
export type MediaFields = z.output<typeof mediaFields>;

export const languageQuery = z.object({ language: language.optional() });

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const activeConsentAnswer = z.object({
  data: z.object({ id: z.int(), version: z.string(), text_sha256: sha256, url: z.string() }),
});
export const mediumAnswer = z.object({
  id: z.uuid(),
  type: z.enum(MEDIA_TYPES),
  side: z.enum(SIDES).nullable(),
  document: z.string().nullable(),
  content_type: z.string(),
  bytes: z.int(),
  sha256,
  created_at: z.iso.datetime(),
  deleted_at: z.iso.datetime().nullable().describe("When the bytes were deleted; the hash stays"),
});
const acceptance = { version_id: z.int(), version: z.string(), accepted_at: z.iso.datetime() };
export const verificationAnswer = z.object({
  data: z.object({
    id: z.string().regex(/^ver_[0-9a-f]{32}$/),
    status: z.enum(["created", "consented", "submitted", "erased"]),
    external_id: z.string().nullable(),
    callback_url: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    created_at: z.iso.datetime(),
    submitted_at: z.iso.datetime().nullable(),
    consent: z
      .object({
        ...acceptance,
        proof_hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
        status: z.string().describe("Of its anchoring"),
        consent_token: z
          .string()
          .describe("For GET /v1/consents/{token}, which has the record and its receipt"),
        origin: originAnswer,
      })
      .nullable(),
    media: z.array(mediumAnswer),
    callback: z
      .object({
        status: z.enum(["pending", "delivered", "dead", "cancelled"]),
        attempts: z.int(),
        attempted_at: z.iso.datetime().nullable(),
        http_status: z.int().nullable(),
        error: z.string().nullable(),
      })
      .nullable()
      .describe("What became of the call to `callback_url`; null until the verification is submitted"),
  }),
});
export const acceptanceAnswer = z.object({
  data: z.object({ id: z.string(), consent: z.object(acceptance) }),
});
export const mediumCreatedAnswer = z.object({ data: mediumAnswer });
export const gateDocumentAnswer = z.object({ data: z.object({ slug: z.string() }) });
