import { z } from "zod";
import { pageQuery, paginationAnswer } from "../accounts/wire.ts";
import { receiptAnswer } from "../anchoring/wire.ts";
import { textOf } from "../http/bodyFields.ts";

const TOKEN = /^ct_[0-9a-f]{32}$/;
const token = z.string("must be a consent token").regex(TOKEN, "must be a consent token");
const proofHash = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const time = z.iso.datetime();

/** What records name somebody by: HashEntry's and OptSens's visitor, Signatu's subject, the gate's external id. */
const person = textOf(2_048);
const reason = textOf(1_000);

export { pageQuery, token as consentTokenParam };

const either = [
  ({ person, consentToken }: { person?: string | undefined; consentToken?: string | undefined }) =>
    (person === undefined) !== (consentToken === undefined),
  "must name either a person or a consentToken",
] as const;

export const eraseBody = z
  .object({
    person: person.optional(),
    consentToken: token.optional().describe("Of a record that names nobody"),
    chainId: z.int("must be a chain id").positive("must be a chain id").optional(),
  })
  .refine(...either);

export const placeHoldBody = z
  .object({ person: person.optional(), consentToken: token.optional(), reason })
  .refine(...either);
export type PlaceHoldInput = z.output<typeof placeHoldBody>;

export const releaseHoldBody = z.object({ reason });

export const erasureAnswer = z.object({
  erased: z.int().describe("Records whose personal values are gone"),
  consentToken: token.describe("The erasure's own record, anchored like any other"),
  proofHash,
  createdAt: time,
});
export const erasureListAnswer = z.object({ data: z.array(erasureAnswer), pagination: paginationAnswer });

export const holdAnswer = z.object({
  id: z.uuid(),
  consentToken: token.nullable().describe("Null for a hold on a person, whose name is not kept"),
  reason: z.string(),
  placedAt: time,
  releasedAt: time.nullable(),
  releaseReason: z.string().nullable(),
});
export const holdListAnswer = z.object({ data: z.array(holdAnswer), pagination: paginationAnswer });

/** Answers of every surface that shows a record have it. */
export const originAnswer = z
  .string()
  .nullable()
  .describe(
    "The service's signed statement that it recorded this, which `holdfast-verify` checks; null where it has made none",
  );

export const consentAnswer = z.object({
  consentToken: token,
  proofHash,
  createdAt: time,
  record: z.record(z.string(), z.unknown()).describe("Names and values of what is left of the record"),
  disclosures: z.array(z.string()).describe("SD-JWT disclosures (RFC 9901) of these"),
  _sd: z.array(z.string()).describe("Digests of all disclosures, erased ones too"),
  origin: originAnswer,
  erasedBy: token.nullable().describe("The erasure's own record"),
  status: z.enum(["pending", "batched", "anchored"]),
  finality: z.enum(["included", "safe", "finalized"]).nullable(),
  receipt: receiptAnswer.nullable(),
  reason: z.string().optional(),
});
