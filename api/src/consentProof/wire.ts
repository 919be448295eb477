import { z } from "zod";
import { paginationAnswer } from "../accounts/wire.ts";
import { ACTION_OF_PROOF_ACTION } from "../consents/actions.ts";
import { canonicalAddress } from "../consents/ipAddress.ts";
import { originAnswer } from "../consents/wire.ts";
import { storableTime } from "../http/storableTime.ts";

const ACTIONS = Object.keys(ACTION_OF_PROOF_ACTION) as (keyof typeof ACTION_OF_PROOF_ACTION)[];
const VISITOR_CHARACTERS_MAX = 255;
const CATEGORIES_MAX = 100;
const SIGNAL_CHARACTERS_MAX = 65_536;
/** Clocks of visitors and servers differ; milliseconds. */
const FUTURE_MS_MAX = 300_000;

/** U+0000 is refused: PostgreSQL could not be asked for it. */
const text = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .refine((value) => value !== "" && [...value].length <= max, `must be a text of 1 to ${max} characters`)
    .refine((value) => !value.includes("\0"), "must not contain U+0000");

const visitorId = text(VISITOR_CHARACTERS_MAX);
export const visitorParam = visitorId;

const time = storableTime("must be a time in ISO 8601 with its offset, from 1970 on");

const signal = text(SIGNAL_CHARACTERS_MAX);

const categories = z
  .unknown()
  .refine(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(value).length <= CATEGORIES_MAX &&
      Object.entries(value).every(
        ([name, on]) => name !== "" && name.length <= 100 && !name.includes("\0") && typeof on === "boolean",
      ),
    `must map at most ${CATEGORIES_MAX} categories of 1 to 100 characters to true or false`,
  )
  .transform((value) => value as Record<string, boolean>);

const flag = z.boolean("must be true or false");

/** OS-6. A member that is null is one that is absent. */
export const recordBody = z
  .object(
    {
      visitor_id: visitorId,
      action: z.enum(ACTIONS, `must be one of ${ACTIONS.join(", ")}`),
      categories,
      banner_mode: text(100).nullish(),
      page_url: text(2_048).nullish(),
      country: text(100).nullish(),
      language: text(100).nullish(),
      gpc: z.object({ detected: flag, honored: flag }, "must be an object").nullish(),
      ip_address: z
        .string("must be an IP address")
        .max(100, "must be an IP address")
        .refine((address) => canonicalAddress(address) !== null, "must be an IP address")
        .nullish(),
      tcf_string: signal.nullish(),
      ac_string: signal.nullish(),
      gpp_string: signal.nullish(),
      consented_at: time
        .refine((at) => at.getTime() <= Date.now() + FUTURE_MS_MAX, "must not be in the future")
        .nullish(),
      expires_at: time.nullish(),
    },
    "must be an object",
  )
  .refine(({ consented_at: from, expires_at: to }) => !to || to > (from ?? new Date(0)), {
    message: "must be after consented_at",
    path: ["expires_at"],
  });
export type RecordInput = z.output<typeof recordBody>;

export const statusQuery = z.object({ visitor_id: visitorId.meta({ example: "visitor-1" }) });

const receiptId = z.string("must be a receipt id").regex(/^ct_[0-9a-f]{32}$/, "must be a receipt id");

export const proofQuery = z.object({
  receipt_id: z.string().optional(),
  lang: z.enum(["en", "sr", "sr-Cyrl"], "must be en, sr or sr-Cyrl").default("en"),
});
export const languageQuery = proofQuery.pick({ lang: true });

export const exportQuery = z.object({
  format: z.enum(["json", "csv"], "must be json or csv").default("json"),
});

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const answeredTime = z.iso.datetime();

export const verifyProofBody = z.object(
  {
    receipt_id: z.string("must be a text").min(1, "must be a text").max(255, "must be a text"),
    signature: z.string("must be 64 hex digits").regex(/^[0-9a-fA-F]{64}$/, "must be 64 hex digits"),
  },
  "must be an object",
);
export const verifyProofAnswer = z.object({ valid: z.boolean(), scheme: z.enum(["HMAC-SHA256", "SHA-256"]) });

export const consentAnswer = z.object({
  receipt_id: receiptId,
  record_sha256: hex64,
  domain: z.string(),
  visitor_id: z.string().nullable().describe("Null once the visitor is erased"),
  action: z.enum(ACTIONS),
  categories: z.record(z.string(), z.boolean()),
  banner_mode: z.string().nullable(),
  page_url: z.string().nullable(),
  country: z.string().nullable(),
  language: z.string().nullable(),
  gpc: z.object({ detected: z.boolean(), honored: z.boolean() }).nullable(),
  ip_masked: z.string().nullable(),
  tcf_string: z.string().nullable(),
  ac_string: z.string().nullable(),
  gpp_string: z.string().nullable(),
  flags: z.array(z.string()),
  consented_at: answeredTime,
  expires_at: answeredTime.nullable(),
  created_at: answeredTime,
  signature: hex64.nullable(),
  signature_scheme: z.enum(["HMAC-SHA256", "SHA-256"]),
  signature_key_id: z.string().nullable(),
  receipt_url: z.url(),
  origin: originAnswer,
});
export const consentListAnswer = z.object({ data: z.array(consentAnswer), pagination: paginationAnswer });
export const currentConsentAnswer = consentAnswer.nullable();
export const erasedAnswer = z.object({ erased: z.int(), receipt_id: receiptId, record_sha256: hex64 });
