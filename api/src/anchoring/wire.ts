import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";
import { paginationAnswer } from "../accounts/wire.ts";

const INVALID_HASH = "Invalid hash format";
export const BATCH_ITEMS_MAX = 100;
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
export const metadata = z
  .unknown()
  .refine(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be an object",
  )
  .refine((value) => !ESCAPED_NUL.test(JSON.stringify(value)), "must not contain U+0000")
  .transform((value) => value as Record<string, unknown>);

export const chainId = z.int("must be a whole number").positive("must be positive");

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

const invalidContent =
  "must be base64 in its canonical spelling: padded, no white space, no other characters";

/** HA-4: what is hashed, as its bytes. */
export const anchorContentBody = z
  .object(
    {
      content: z.string("must be a text").min(1, "must not be empty"),
      format: z.enum(["text", "base64"], "must be text or base64"),
      externalId: externalId.nullish(),
      metadata: metadata.nullish(),
      chainId: chainId.optional(),
    },
    "must be an object",
  )
  .transform(({ content, format, ...rest }, context) => {
    const bytes = Buffer.from(content, format === "text" ? "utf8" : "base64");
    // Buffer forgives what is no base64; two texts for the same bytes are a mistake of the caller's.
    if (format === "base64" && bytes.toString("base64") !== content)
      context.addIssue({ code: "custom", path: ["content"], message: invalidContent });
    return { bytes, ...rest };
  });

/** HA-5. */
export const hashStatusBody = z.object(
  {
    hashes: z
      .array(contentHash, "must be an array")
      .min(1, `must hold 1 to ${BATCH_ITEMS_MAX} hashes`)
      .max(BATCH_ITEMS_MAX, `must hold 1 to ${BATCH_ITEMS_MAX} hashes`),
  },
  "must be an object",
);

/** `?check=rpc` asks the contract itself beside the index. */
export const verifyQuery = z.object({ check: z.enum(["rpc"], "must be rpc").optional() });

export const time = z.iso.datetime().describe("ISO 8601, UTC");
export const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const unixSeconds = z.int().describe("Seconds since 1970");
export const status = z.enum(["pending", "batched", "anchored"]);
const finality = z.enum(["included", "safe", "finalized"]).nullable();
const asOfBlock = z.int().nullable().describe("Block up to which the index has read the chain");
const reason = z
  .string()
  .optional()
  .describe("Which comparison failed, when batch, index and contract disagree");

export const submissionAnswer = z.object({
  status: z.enum(["accepted", "duplicate"]),
  id: z.uuid(),
  hash: hex32,
  externalId: z.string().nullable(),
});

export const submissionBatchAnswer = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  results: z.array(submissionAnswer),
});

export const anchoredContentAnswer = submissionAnswer.extend({
  metadata: z.record(z.string(), z.unknown()).nullable(),
});

export const hashStatusAnswer = z.object({
  results: z.array(
    z.object({
      hash: hex32,
      status: z.enum(["pending", "batched", "anchored", "not_found"]),
      txHash: hex32.optional().describe("Once it is anchored"),
      blockTimestamp: time.optional().describe("Once it is anchored"),
    }),
  ),
});

export const statsAnswer = z.object({
  totalHashes: z.int(),
  pendingHashes: z.int().describe("Not anchored yet, in a batch or not"),
  anchoredHashes: z.int(),
  totalBatches: z.int().describe("Batches that hold the tenant's hashes"),
  failedBatches: z.int().describe("0: a batch is tried until it is anchored"),
  monthlyHashes: z.int().describe("Submitted in this calendar month (UTC), duplicates not counted"),
});

export const receiptAnswer = z.object({
  "@context": z.url(),
  hash: hex32,
  merkleRoot: hex32,
  proof: z.array(z.object({ position: z.enum(["left", "right"]), data: hex32 })),
  anchor: z.object({
    chainId: z.int(),
    contractAddress: z.string(),
    txHash: hex32,
    blockNumber: z.int(),
    blockTimestamp: unixSeconds,
    publisher: z.string(),
    blockHash: hex32,
    logIndex: z.int(),
    leafCount: z.int(),
    leafIndex: z.int(),
  }),
  signature: z.base64(),
  publicKey: z.base64(),
  kid: z.string(),
});

const anchorAnswer = z
  .object({
    txHash: hex32,
    blockNumber: z.int(),
    blockTimestamp: unixSeconds,
    chainId: z.int(),
    contractAddress: z.string(),
    onChainTimestamp: unixSeconds,
  })
  .nullable();

export const ownHashAnswer = z.object({
  id: z.uuid(),
  hash: hex32,
  status,
  externalId: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()).nullable(),
  createdAt: time,
  chainId: z.int(),
  batch: z.object({ id: z.uuid(), merkleRoot: hex32, status }).nullable(),
  anchor: anchorAnswer,
  finality,
  asOfBlock,
  receipt: receiptAnswer.nullable(),
  reason,
});

export const verifyAnswerBody = z.object({
  verified: z.boolean(),
  status,
  hash: hex32,
  finality,
  asOfBlock,
  anchor: anchorAnswer,
  receipt: receiptAnswer.nullable(),
  reason,
});

export const notFoundVerifyAnswer = z.object({
  verified: z.literal(false),
  status: z.literal("not_found"),
  hash: hex32,
});

const batchAnswer = z.object({
  id: z.uuid(),
  merkleRoot: hex32,
  leafCount: z.int(),
  status: z.enum(["batched", "anchored"]),
  createdAt: time,
  txHash: hex32.nullable(),
  blockNumber: z.int().nullable(),
});

export const batchListAnswer = z.object({ data: z.array(batchAnswer), pagination: paginationAnswer });

export const batchDetailAnswer = batchAnswer.extend({
  blockTimestamp: unixSeconds.nullable(),
  gasUsed: z.string().nullable().describe("Of the whole transaction, which may carry several batches"),
  hashes: z.array(
    z.object({ id: z.uuid(), hash: hex32, status, externalId: z.string().nullable(), createdAt: time }),
  ),
});

const publicKeyAnswer = z.object({
  algorithm: z.literal("Ed25519"),
  publicKey: z.base64().describe("32 bytes"),
  hex: z.string(),
  pem: z.string(),
  kid: z.string(),
});

export const publicKeysAnswer = publicKeyAnswer.extend({
  keys: z.array(publicKeyAnswer.extend({ validFrom: time, validUntil: time.nullable() })),
});

export const jwksAnswer = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).describe("RFC 7517");
