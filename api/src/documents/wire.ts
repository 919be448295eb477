import { z } from "zod";
import { paginationAnswer } from "../accounts/wire.ts";
import { storableTime } from "../http/storableTime.ts";
import { DOCUMENT_STATUSES } from "./documentStatus.ts";
import { canonicalLanguage } from "./language.ts";

export const LANGUAGE_BY_DEFAULT = "en";

/** Stands in a path, so that it needs no escaping there. */
export const slug = z
  .string("must be 1 to 100 of a-z, 0-9, dot, hyphen and underscore, the first no sign")
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,99}$/,
    "must be 1 to 100 of a-z, 0-9, dot, hyphen and underscore, the first no sign",
  );

/** A text that PostgreSQL can keep: U+0000 has no place in it. */
const label = (max: number) =>
  z
    .string(`must have 1 to ${max} characters`)
    .min(1, `must have 1 to ${max} characters`)
    .max(max, `must have 1 to ${max} characters`)
    .refine((text) => !text.includes("\0"), "must not contain U+0000");

/** Any case; answered and matched as RFC 5646 spells it. */
export const language = z.string("must be a BCP 47 language tag").transform((tag, check) => {
  const canonical = canonicalLanguage(tag);
  if (canonical !== null) return canonical;
  check.addIssue({ code: "custom", message: "must be a BCP 47 language tag" });
  return z.NEVER;
});

export const createDocumentBody = z.object({ slug, title: label(255) }, "must be an object");
export type CreateDocumentInput = z.output<typeof createDocumentBody>;

/** A member that is null is one that is absent. */
export const createVersionBody = z.object(
  {
    version: label(100),
    language: language
      .nullable()
      .default(LANGUAGE_BY_DEFAULT)
      .transform((given) => given ?? LANGUAGE_BY_DEFAULT),
    // Kept as it comes, line ends and all: what people consent to is exactly these characters.
    text: z.string("must be a text that is not empty").min(1, "must be a text that is not empty"),
    effective_at: storableTime("must be a time such as 2026-12-01T00:00:00Z").nullish(),
    activate: z
      .boolean("must be true or false")
      .nullable()
      .default(false)
      .transform((given) => given ?? false),
  },
  "must be an object",
);
export type CreateVersionInput = z.output<typeof createVersionBody>;

export const languageQuery = z.object({ language: language.default(LANGUAGE_BY_DEFAULT) });

const time = z.iso.datetime().describe("ISO 8601, UTC");
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const documentAnswer = z.object({ id: z.uuid(), slug: z.string(), title: z.string(), created_at: time });
export const createdDocumentAnswer = z.object({ data: documentAnswer });
export const documentListAnswer = z.object({ data: z.array(documentAnswer), pagination: paginationAnswer });

const versionAnswer = z.object({
  id: z.uuid(),
  number: z.int().describe("Counts your versions from 1"),
  slug: z.string(),
  version: z.string(),
  language: z.string().describe("BCP 47"),
  text_sha256: hex64.describe("Of the bytes at `url`"),
  url: z.url().describe("The exact UTF-8 bytes of the text, for everybody who knows it"),
  status: z.enum(DOCUMENT_STATUSES),
  created_at: time,
  published_at: time.nullable().describe("When it became active"),
  effective_at: time.nullable().describe("As given, else when it was published"),
  retired_at: time.nullable(),
});
export const oneVersionAnswer = z.object({ data: versionAnswer });
export const versionListAnswer = z.object({ data: z.array(versionAnswer), pagination: paginationAnswer });

export const activeDocumentAnswer = z.object({
  data: z.object({
    id: z.uuid().describe("The `document_version_id` of a consent to it"),
    slug: z.string(),
    version: z.string(),
    title: z.string(),
    language: z.string(),
    text: z.string(),
    text_sha256: hex64,
    url: z.url(),
    published_at: time,
    effective_at: time,
  }),
});
