import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";

const INVALID_HASH = "Invalid hash format";
const BATCH_ITEMS_MAX = 100;
// An escaped U+0000 in JSON text, its backslash not itself escaped; jsonb cannot hold it.
const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/;

/** HA-2: any case is accepted, lower case is kept. */
export const contentHash = z
  .string(INVALID_HASH)
  .regex(/^0x[0-9a-fA-F]{64}$/, INVALID_HASH)
  .transform((text) => text.toLowerCase() as Hex);

const externalId = z
  .string("must be a text")
  .max(255, "must have at most 255 characters")
  .refine((text) => !text.includes("\0"), "must not contain U+0000");

// Not z.record: it leaves out a member named __proto__, which is an ordinary one in JSON.
const metadata = z
  .unknown()
  .refine(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be an object",
  )
  .refine((value) => !ESCAPED_NUL.test(JSON.stringify(value)), "must not contain U+0000")
  .transform((value) => value as Record<string, unknown>);

const chainId = z.int("must be a whole number").positive("must be positive");

export const submitHashBody = z.object(
  {
    hash: contentHash,
    externalId: externalId.nullish(),
    metadata: metadata.nullish(),
    chainId: chainId.optional(),
  },
  "must be an object",
);

export const submitBatchBody = z.object(
  {
    hashes: z
      .array(
        z.object({ hash: contentHash, externalId: externalId.nullish() }, "must be an object"),
        "must be an array",
      )
      .min(1, `must hold 1 to ${BATCH_ITEMS_MAX} hashes`)
      .max(BATCH_ITEMS_MAX, `must hold 1 to ${BATCH_ITEMS_MAX} hashes`),
    chainId: chainId.optional(),
  },
  "must be an object",
);

/** `?check=rpc` asks the contract itself beside the index. */
export const verifyQuery = z.object({ check: z.enum(["rpc"], "must be rpc").optional() });
