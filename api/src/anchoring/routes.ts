import type { Context } from "hono";
import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";
import { pageQuery } from "../accounts/wire.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { NotFoundError, quotaHeaders } from "../errors.ts";
import { parseInput } from "../http/body.ts";
import { type AppEnv, setHeader } from "../http/context.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { LeafDescription } from "./describeLeaf.ts";
import type { LeafRow } from "./findLeaves.ts";
import { getBatch } from "./getBatch.ts";
import { listBatches } from "./listBatches.ts";
import { receiptContext } from "./receiptContext.ts";
import type { Submission, SubmissionResult, SubmitHashes } from "./submitHashes.ts";
import {
  batchDetailAnswer,
  batchListAnswer,
  contentHash,
  jwksAnswer,
  notFoundVerifyAnswer,
  ownHashAnswer,
  publicKeysAnswer,
  receiptAnswer,
  submissionAnswer,
  submissionBatchAnswer,
  submitBatchBody,
  submitHashBody,
  verifyAnswerBody,
  verifyQuery,
} from "./wire.ts";

export type AnchoringRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  submitHashes: (input: SubmitHashes) => Promise<Submission>;
  findEarliestLeaf: (contentHash: Buffer) => Promise<LeafRow | null>;
  findOwnLeaf: (wanted: { contentHash: Buffer; tenantId: string }) => Promise<LeafRow | null>;
  describeLeaf: (leaf: LeafRow, askChain: boolean) => Promise<LeafDescription>;
  describePublicKeys: () => Promise<object>;
  describeJwks: () => Promise<object>;
};

const EXAMPLE_HASH = "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const OTHER_HASH = "0x60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
const hashParams = {
  hash: { schema: contentHash, description: "Content hash, in any case", example: EXAMPLE_HASH },
};
const submitting = (action: "hash.submit" | "hash.submit_batch"): Access => ({
  scope: "submit",
  checked: "inStatement",
  action,
  resourceType: "hash",
});
const querying = (action: `${string}.${string}`, resourceType: string): Access => ({
  scope: "query",
  action,
  resourceType,
});

/** HashAnchor's submissions (HA-2, HA-3), queries (HA-5, HA-7) and public verification (HA-8, HA-9). */
export function anchoringRoutes(deps: AnchoringRoutesDeps): Route[] {
  return [...submitRoutes(deps), ...queryRoutes(deps), ...publicRoutes(deps)];
}

function submitRoutes(deps: AnchoringRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/hashes",
      summary: "Submit a hash",
      description:
        "202 is said once the hash is committed. A repeat by the same tenant is a 200 with the same id.",
      access: submitting("hash.submit"),
      countsToQuota: true,
      body: submitHashBody,
      bodyExample: { hash: EXAMPLE_HASH, externalId: "invoice-7" },
      answers: {
        202: { description: "Accepted", schema: submissionAnswer },
        200: { description: "Submitted before by this tenant", schema: submissionAnswer },
      },
      handle: async (c, { body: { hash, externalId = null, metadata = null, chainId } }) => {
        c.get("call").resourceId = hash;
        const chain = await deps.chains.forSubmission(chainId);
        const { results, quota } = await deps.submitHashes({
          ctx: deps.verbContext(c),
          renewCaller: c.get("renewCaller"),
          chainId: chain.chainId,
          hashes: [{ contentHash: hash, externalId, metadata }],
        });
        const { status, id } = results[0]!;
        setQuotaHeaders(c, quota);
        return c.json({ status, id, hash, externalId }, status === "accepted" ? 202 : 200);
      },
    }),
    defineRoute({
      method: "post",
      path: "/v1/hashes/batch",
      summary: "Submit 1 to 100 hashes",
      description: "All are stored, or none. Results stand in the order of the request.",
      access: submitting("hash.submit_batch"),
      countsToQuota: true,
      body: submitBatchBody,
      bodyExample: { hashes: [{ hash: EXAMPLE_HASH }, { hash: OTHER_HASH, externalId: "invoice-8" }] },
      answers: {
        202: { description: "Committed, also when all are duplicates", schema: submissionBatchAnswer },
      },
      handle: async (c, { body }) => {
        const chain = await deps.chains.forSubmission(body.chainId);
        const hashes = body.hashes.map(({ hash, externalId = null }) => ({
          contentHash: hash,
          externalId,
          metadata: null,
        }));
        const { results, quota } = await deps.submitHashes({
          ctx: deps.verbContext(c),
          renewCaller: c.get("renewCaller"),
          chainId: chain.chainId,
          hashes,
        });
        setQuotaHeaders(c, quota);
        return c.json(batchSubmissionAnswer(results, hashes), 202);
      },
    }),
  ];
}

function queryRoutes(deps: AnchoringRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/hashes/:hash",
      summary: "One of your own hashes",
      access: querying("hash.query", "hash"),
      params: hashParams,
      answers: {
        200: { description: "State, batch, anchor and receipt", schema: ownHashAnswer },
        404: { description: "The tenant has not submitted it" },
      },
      handle: async (c) => {
        const hash = hashParam(c);
        c.get("call").resourceId = hash;
        const leaf = await deps.findOwnLeaf({
          contentHash: toBytes(hash),
          tenantId: c.get("caller").tenantId,
        });
        if (leaf === null) throw new NotFoundError("Hash");
        return c.json(ownAnswer(leaf, await deps.describeLeaf(leaf, false)));
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/batches",
      summary: "Batches that hold your hashes",
      access: querying("batch.list", "batch"),
      query: pageQuery,
      answers: { 200: { description: "One page, the newest first", schema: batchListAnswer } },
      handle: async (c, { query }) => c.json(await listBatches({ ctx: deps.verbContext(c), input: query })),
    }),
    defineRoute({
      method: "get",
      path: "/v1/batches/:id",
      summary: "One batch, with your own hashes in it",
      access: querying("batch.view", "batch"),
      params: {
        id: {
          schema: z.uuid(),
          description: "The batch's id",
          example: EXAMPLE_ID,
        },
      },
      answers: {
        200: { description: "The batch", schema: batchDetailAnswer },
        404: { description: "No batch holds a hash of yours under this id" },
      },
      handle: async (c) => {
        const id = c.req.param("id") ?? "";
        if (!z.uuid().safeParse(id).success) throw new NotFoundError("Batch");
        return c.json(await getBatch({ ctx: deps.verbContext(c), input: { id } }));
      },
    }),
  ];
}

function publicRoutes(deps: AnchoringRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/verify/:hash",
      summary: "Verify a hash",
      description:
        "Across all tenants the earliest anchored submission of it. `check=rpc` asks the contract too.",
      access: "public",
      params: hashParams,
      query: verifyQuery,
      answers: {
        200: { description: "What batch, index and contract agree on", schema: verifyAnswerBody },
        404: { description: "Nobody has submitted it", schema: notFoundVerifyAnswer },
      },
      handle: async (c, { query: { check } }) => {
        const hash = hashParam(c);
        const leaf = await deps.findEarliestLeaf(toBytes(hash));
        if (leaf === null) return c.json({ verified: false, status: "not_found", hash }, 404);
        return c.json(verifyAnswer(hash, await deps.describeLeaf(leaf, check === "rpc")));
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/receipts/:hash",
      summary: "The receipt of an anchored hash",
      access: "public",
      params: hashParams,
      answers: {
        200: { description: "Keep it as it is: the order of its members is signed", schema: receiptAnswer },
        404: { description: "There is no receipt (yet)" },
      },
      handle: async (c) => {
        const leaf = await deps.findEarliestLeaf(toBytes(hashParam(c)));
        const receipt = leaf && (await deps.describeLeaf(leaf, false)).receipt;
        if (!receipt) throw new NotFoundError("Receipt");
        return c.json(receipt);
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/public-key",
      summary: "The keys that sign receipts",
      access: "public",
      answers: {
        200: { description: "The current key, and all with their validity", schema: publicKeysAnswer },
        404: { description: "No worker has started yet" },
      },
      handle: async (c) => c.json(await deps.describePublicKeys()),
    }),
    defineRoute({
      method: "get",
      path: "/.well-known/jwks.json",
      summary: "The same keys as a JWK Set",
      access: "public",
      answers: { 200: { description: "JWK Set", schema: jwksAnswer } },
      handle: async (c) => c.json(await deps.describeJwks()),
    }),
    defineRoute({
      method: "get",
      path: "/receipt/v1",
      summary: "JSON-LD context of receipts",
      access: "public",
      answers: { 200: { description: "The context", contentType: "application/ld+json" } },
      handle: (c) => c.json(receiptContext, 200, { "Content-Type": "application/ld+json" }),
    }),
  ];
}

function setQuotaHeaders(c: Context<AppEnv>, quota: Submission["quota"]): void {
  if (quota === null) return;
  for (const [name, value] of Object.entries(quotaHeaders(quota))) setHeader(c, name, value);
}

function batchSubmissionAnswer(results: SubmissionResult[], hashes: { externalId: string | null }[]) {
  const accepted = results.filter(({ status }) => status === "accepted").length;
  return {
    accepted,
    duplicates: results.length - accepted,
    results: results.map(({ contentHash: hash, status, id }, index) => ({
      hash,
      status,
      id,
      externalId: hashes[index]!.externalId,
    })),
  };
}

function hashParam(c: Context<AppEnv>): Hex {
  return parseInput(contentHash, c.req.param("hash"), "hash");
}

function toBytes(hash: Hex): Buffer {
  return Buffer.from(hash.slice(2), "hex");
}

function verifyAnswer(hash: Hex, { status, failed, finality, asOfBlock, anchor, receipt }: LeafDescription) {
  const verified = status === "anchored";
  return {
    verified,
    status,
    hash,
    finality,
    asOfBlock,
    anchor,
    receipt,
    ...(failed === null ? {} : { reason: failed }),
  };
}

function ownAnswer(leaf: LeafRow, { status, failed, finality, asOfBlock, anchor, receipt }: LeafDescription) {
  const batch = leaf.batch_id && { id: leaf.batch_id, merkleRoot: `0x${leaf.root!.toString("hex")}`, status };
  return {
    id: leaf.submission_id,
    hash: `0x${leaf.content_hash.toString("hex")}`,
    status,
    externalId: leaf.external_id,
    metadata: leaf.metadata,
    createdAt: leaf.created_at.toISOString(),
    chainId: leaf.chain_id,
    batch,
    anchor,
    finality,
    asOfBlock,
    receipt,
    ...(failed === null ? {} : { reason: failed }),
  };
}
