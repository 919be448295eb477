import { z } from "zod";
import { EXAMPLE_ID } from "../http/route.ts";
import { PLANS } from "./plan.ts";
import { SCOPES } from "./scope.ts";
import { siteDomain } from "./siteDomain.ts";

/** A text that PostgreSQL can keep: U+0000 has no place in it. */
const storableText = (min: number, max: number) =>
  z
    .string(`must have ${min} to ${max} characters`)
    .min(min, `must have ${min} to ${max} characters`)
    .max(max, `must have ${min} to ${max} characters`)
    .refine((text) => !text.includes("\0"), "must not contain U+0000");

/** `none` and null both say: no plan, no limit. */
const plan = z
  .enum([...PLANS, "none"], `must be one of ${PLANS.join(", ")} and none`)
  .nullable()
  .transform((name) => (name === "none" ? null : name));

export const updateTenantBody = z
  .object({
    plan: plan.optional(),
    status: z.enum(["active", "suspended"], "must be active or suspended").optional(),
  })
  .refine(({ plan, status }) => plan !== undefined || status !== undefined, "must name a plan or a status");
export type UpdateTenantInput = z.output<typeof updateTenantBody>;

export const createTenantBody = z.object({
  name: storableText(1, 255),
  contactEmail: z.email("must be an e-mail address").max(320).optional(),
  plan: plan.default(null),
});
export type CreateTenantInput = z.output<typeof createTenantBody>;

/** Requests per minute of a key, unless it is made with another limit (HA-13). */
export const RATE_LIMIT_BY_DEFAULT = 60;
export const RATE_LIMIT_MAX = 10_000;

const flag = z.boolean("must be true or false").default(false);

export const createApiKeyBody = z.object({
  tenantId: z.uuid("must be a UUID"),
  name: storableText(1, 255),
  scopes: z
    .array(z.enum(SCOPES, `must be one of ${SCOPES.join(", ")}`))
    .max(SCOPES.length, "must name each scope once at most")
    .default([]),
  rateLimitPerMinute: z
    .int("must be a whole number")
    .min(1, "must be 1 to 10000")
    .max(RATE_LIMIT_MAX, "must be 1 to 10000")
    .optional()
    .describe("60 by default; what a tenant gives its own keys is bounded by its plan"),
  site: z
    .string("must be a domain")
    .max(253, "must be a domain")
    .transform(siteDomain)
    .refine((domain) => domain !== null, "must be a domain")
    .nullable()
    .default(null)
    .describe("The domain that the key speaks for"),
  requireSigning: flag.describe(
    "POST requests to the consent log, documents, erasures and holds must be signed",
  ),
  hmac: flag.describe("Answers `hmacSecret`, once, to sign consent gate requests with"),
  requireTimestamp: flag.describe("Consent gate requests must bring X-Timestamp and X-Nonce"),
});
export type CreateApiKeyInput = z.output<typeof createApiKeyBody>;

const email = z
  .email("must be an e-mail address")
  .max(320, "must have at most 320 characters")
  .transform((text) => text.toLowerCase());

/** HA-1. A password may be any text; its length counts in characters. */
export const registerBody = z.object({
  name: storableText(1, 255),
  email,
  password: z
    .string("must have 8 to 256 characters")
    .refine((text) => [...text].length >= 8 && [...text].length <= 256, "must have 8 to 256 characters"),
});
export type RegisterInput = z.output<typeof registerBody>;

export const loginBody = z.object({
  email: z
    .string("must be an e-mail address")
    .max(320, "must have at most 320 characters")
    .refine((text) => !text.includes("\0"), "must be an e-mail address")
    .transform((text) => text.toLowerCase()),
  password: z.string("must be a text").max(1_024, "must have at most 1024 characters"),
});

export const provisionBody = z.object({ name: storableText(1, 255), email: email.optional() });
export type ProvisionInput = z.output<typeof provisionBody>;

/** `?page=1&limit=20`; both count from 1, at most 100 a page. */
export const pageQuery = z.object({
  page: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "must be a whole number from 1")
    .default("1")
    .transform(Number),
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, "must be a whole number from 1 to 100")
    .default("20")
    .transform(Number),
});
export type PageInput = z.output<typeof pageQuery>;

export const listApiKeysQuery = z.object({
  tenantId: z.uuid("must be a UUID").meta({ example: EXAMPLE_ID }),
});

export const paginationAnswer = z.object({ page: z.int(), limit: z.int(), total: z.int() });

const time = z.iso.datetime().describe("ISO 8601, UTC");

export const tenantAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  contactEmail: z.string().nullable(),
  status: z.enum(["active", "suspended"]),
  plan: z.enum(PLANS).nullable().describe("Null: no limit"),
  createdAt: time,
});
export const tenantListAnswer = z.object({ data: z.array(tenantAnswer), pagination: paginationAnswer });

const apiKeyAnswer = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  keyPrefix: z.string().describe("The key's first 8 characters"),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  rateLimitPerMinute: z.int(),
  site: z.string().nullable(),
  siteBy: z
    .enum(["operator", "tenant"])
    .nullable()
    .describe("Who named the site: statements of origin say so"),
  requireSigning: z.boolean(),
  requireTimestamp: z.boolean(),
  createdAt: time,
});
const hmacSecret = z.string().describe("Shown this once; its UTF-8 bytes key the HMAC");
export const createdApiKeyAnswer = apiKeyAnswer.extend({
  key: z.string().describe("Shown this once; only its SHA-256 is kept"),
  hmacSecret: hmacSecret.optional(),
});
export const apiKeyListAnswer = z.object({
  data: z.array(
    apiKeyAnswer.extend({
      lastUsedAt: time.nullable(),
      revokedAt: time.nullable(),
      hmacSecrets: z.array(z.object({ id: z.uuid(), createdAt: time })).describe("The oldest first"),
    }),
  ),
});
export const createdKeySecretAnswer = z.object({ id: z.uuid(), hmacSecret });

export const quotaAnswer = z.object({
  plan: z.enum(PLANS).nullable(),
  monthly: z.object({ limit: z.int().nullable(), used: z.int(), remaining: z.int().nullable() }),
  rateLimit: z.object({ limit: z.int(), perMinute: z.literal(true) }),
});

const accountTenantAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.string(),
  plan: z.enum(PLANS).nullable(),
});
export const loginAnswer = z.object({
  token: z.string().describe("A JWT that lasts seven days, for `Authorization: Bearer`"),
  tenant: accountTenantAnswer,
});
export const registerAnswer = loginAnswer;
export const meAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.string(),
  tenant: accountTenantAnswer,
});
export const provisionAnswer = z.object({
  tenantId: z.uuid(),
  apiKey: z.string(),
  plan: z.literal("free"),
  quota: z.object({ limit: z.int(), remaining: z.int() }),
});
