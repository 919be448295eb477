import { createHash } from "node:crypto";
import type { Context } from "hono";
import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";
import { pageQuery } from "../accounts/wire.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { NotFoundError } from "../errors.ts";
import { parseInput } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import { setQuotaHeaders } from "../http/setQuotaHeaders.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { LeafDescription } from "./describeLeaf.ts";
import type { LeafRow, OwnLeafRow } from "./findLeaves.ts";
import { getBatch } from "./getBatch.ts";
import { listBatches } from "./listBatches.ts";
import type { ReadOwnStatuses } from "./ownStatuses.ts";
import { readStats } from "./readStats.ts";
import { receiptContext } from "./receiptContext.ts";
import type { Submission, SubmissionResult, SubmitHashes } from "./submitHashes.ts";
import {
  anchorContentBody,
  anchoredContentAnswer,
  batchDetailAnswer,
  batchListAnswer,
  contentHash,
  hashStatusAnswer,
  hashStatusBody,
  jwksAnswer,
  notFoundVerifyAnswer,
  ownHashAnswer,
  publicKeysAnswer,
  receiptAnswer,
  statsAnswer,
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
  findOwnLeaf: (wanted: { contentHash: Buffer; tenantId: string }) => Promise<OwnLeafRow | null>;
  readOwnStatuses: ReadOwnStatuses;
  describeLeaf: (leaf: LeafRow, askChain: boolean) => Promise<LeafDescription>;
  describePublicKeys: () => Promise<object>;
  describeJwks: () => Promise<object>;
  publicUrl: string;
};

const EXAMPLE_HASH = "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const OTHER_HASH = "0x60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
const hashParams = {
  hash: { schema: contentHash, description: "Content hash, in any case", example: EXAMPLE_HASH },
};
const submitting = (action: "hash.submit" | "hash.submit_batch" | "hash.anchor"): Access => ({
  scope: "submit",
  checked: "inStatement",
  action,
  resourceType: "hash",
  countsToQuota: true,
});
const querying = (action: `${string}.${string}`, resourceType: string): Access => ({
  scope: "query",
  action,
  resourceType,
});

/** HashAnchor's submissions (HA-2 to HA-4), queries (HA-5 to HA-7) and public verification (HA-8, HA-9). */
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
    defineRoute({
      method: "post",
      path: "/v1/hashes/anchor",
      summary: "Submit the SHA-256 of a content",
      description: "The content is hashed and forgotten; only its hash is kept.",
      access: submitting("hash.anchor"),
      body: anchorContentBody,
      bodyExample: { content: "The signed contract", format: "text", externalId: "contract-7" },
      answers: {
        202: { description: "Accepted and committed", schema: anchoredContentAnswer },
        200: { description: "Submitted before by this tenant", schema: anchoredContentAnswer },
      },
      handle: async (c, { body: { bytes, externalId = null, metadata = null, chainId } }) => {
        const hash: Hex = `0x${createHash("sha256").update(bytes).digest("hex")}`;
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
        return c.json({ status, id, hash, externalId, metadata }, status === "accepted" ? 202 : 200);
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
      method: "post",
      path: "/v1/hashes/status",
      summary: "The states of 1 to 100 of your own hashes",
      access: querying("hash.status", "hash"),
      body: hashStatusBody,
      bodyExample: { hashes: [EXAMPLE_HASH, OTHER_HASH] },
      answers: { 200: { description: "In the order of the request", schema: hashStatusAnswer } },
      handle: async (c, { body: { hashes } }) => {
        const statuses = await deps.readOwnStatuses(c.get("caller").tenantId, hashes.map(toBytes));
        const results = statuses.map((own, index) => {
          const hash = hashes[index]!;
          if (own === null) return { hash, status: "not_found" };
          if (own.status !== "anchored") return { hash, status: own.status };
          return { hash, status: own.status, txHash: own.txHash, blockTimestamp: own.blockTimestamp };
        });
        return c.json({ results });
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/stats",
      summary: "Your hashes and batches in numbers",
      access: querying("stats.view", "stats"),
      answers: { 200: { description: "All of one moment", schema: statsAnswer } },
      handle: async (c) => c.json(await readStats({ ctx: deps.verbContext(c) })),
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
      handle: (c) => c.json(receiptContext(deps.publicUrl), 200, { "Content-Type": "application/ld+json" }),
    }),
  ];
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

function ownAnswer(
  leaf: OwnLeafRow,
  { status, failed, finality, asOfBlock, anchor, receipt }: LeafDescription,
) {
  const batch = leaf.batch_id && { id: leaf.batch_id, merkleRoot: leaf.root, status };
  return {
    id: leaf.submission_id,
    hash: leaf.content_hash,
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
