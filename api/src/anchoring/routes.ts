import { type Context, Hono, type MiddlewareHandler } from "hono";
import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";
import { pageQuery } from "../accounts/wire.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { NotFoundError } from "../errors.ts";
import { parseInput, readJson } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import type { requireApiKey } from "../http/requireApiKey.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { LeafDescription } from "./describeLeaf.ts";
import type { LeafRow } from "./findLeaves.ts";
import { getBatch } from "./getBatch.ts";
import { listBatches } from "./listBatches.ts";
import { receiptContext } from "./receiptContext.ts";
import type { SubmissionResult, SubmitHashes } from "./submitHashes.ts";
import { contentHash, submitBatchBody, submitHashBody, verifyQuery } from "./wire.ts";

export type AnchoringRoutesDeps = {
  requireKey: ReturnType<typeof requireApiKey>;
  limitPerAddress: MiddlewareHandler<AppEnv>;
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  submitHashes: (input: SubmitHashes) => Promise<SubmissionResult[]>;
  findEarliestLeaf: (contentHash: Buffer) => Promise<LeafRow | null>;
  findOwnLeaf: (wanted: { contentHash: Buffer; tenantId: string }) => Promise<LeafRow | null>;
  describeLeaf: (leaf: LeafRow, askChain: boolean) => Promise<LeafDescription>;
  describePublicKeys: () => Promise<object>;
  describeJwks: () => Promise<object>;
};

/** HashAnchor's submissions (HA-2, HA-3), queries (HA-5, HA-7) and public verification (HA-8, HA-9). */
export function anchoringRoutes(deps: AnchoringRoutesDeps) {
  const routes = new Hono<AppEnv>();
  const submit = deps.requireKey.inStatement("submit");
  const query = deps.requireKey.now("query");
  const open = deps.limitPerAddress;

  routes.post("/v1/hashes", submit, async (c) => {
    const { hash, externalId = null, metadata = null, chainId } = await readJson(c, submitHashBody);
    const chain = await deps.chains.forSubmission(chainId);
    const hashes = [{ contentHash: hash, externalId, metadata }];
    const [result] = await deps.submitHashes({
      ctx: deps.verbContext(c),
      renewCaller: c.get("renewCaller"),
      chainId: chain.chainId,
      action: "hash.submit",
      hashes,
    });
    return c.json(
      { status: result!.status, id: result!.id, hash, externalId },
      result!.status === "accepted" ? 202 : 200,
    );
  });

  routes.post("/v1/hashes/batch", submit, async (c) => {
    const input = await readJson(c, submitBatchBody);
    const chain = await deps.chains.forSubmission(input.chainId);
    const hashes = input.hashes.map(({ hash, externalId = null }) => ({
      contentHash: hash,
      externalId,
      metadata: null,
    }));
    const results = await deps.submitHashes({
      ctx: deps.verbContext(c),
      renewCaller: c.get("renewCaller"),
      chainId: chain.chainId,
      action: "hash.submit_batch",
      hashes,
    });
    const accepted = results.filter(({ status }) => status === "accepted").length;
    return c.json(
      {
        accepted,
        duplicates: results.length - accepted,
        results: results.map(({ contentHash: hash, status, id }, index) => ({
          hash,
          status,
          id,
          externalId: hashes[index]!.externalId,
        })),
      },
      202,
    );
  });

  routes.get("/v1/hashes/:hash", query, async (c) => {
    const leaf = await deps.findOwnLeaf({
      contentHash: toBytes(hashParam(c)),
      tenantId: c.get("caller").tenantId,
    });
    if (leaf === null) throw new NotFoundError("Hash");
    return c.json(ownAnswer(leaf, await deps.describeLeaf(leaf, false)));
  });

  routes.get("/v1/batches", query, async (c) => {
    const input = parseInput(pageQuery, c.req.query(), "query");
    return c.json(await listBatches({ ctx: deps.verbContext(c), input }));
  });

  routes.get("/v1/batches/:id", query, async (c) => {
    const id = c.req.param("id");
    if (!z.uuid().safeParse(id).success) throw new NotFoundError("Batch");
    return c.json(await getBatch({ ctx: deps.verbContext(c), input: { id } }));
  });

  routes.get("/v1/verify/:hash", open, async (c) => {
    const hash = hashParam(c);
    const { check } = parseInput(verifyQuery, c.req.query(), "query");
    const leaf = await deps.findEarliestLeaf(toBytes(hash));
    if (leaf === null) return c.json({ verified: false, status: "not_found", hash }, 404);
    return c.json(verifyAnswer(hash, await deps.describeLeaf(leaf, check === "rpc")));
  });

  routes.get("/v1/receipts/:hash", open, async (c) => {
    const leaf = await deps.findEarliestLeaf(toBytes(hashParam(c)));
    const receipt = leaf && (await deps.describeLeaf(leaf, false)).receipt;
    if (!receipt) throw new NotFoundError("Receipt");
    return c.json(receipt);
  });

  routes.get("/v1/public-key", open, async (c) => c.json(await deps.describePublicKeys()));
  routes.get("/.well-known/jwks.json", open, async (c) => c.json(await deps.describeJwks()));
  routes.get("/receipt/v1", open, (c) =>
    c.json(receiptContext, 200, { "Content-Type": "application/ld+json" }),
  );
  return routes;
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
