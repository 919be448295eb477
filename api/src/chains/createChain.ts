import { privateKeyToAccount } from "viem/accounts";
import type { Hex } from "#protocol/bytes.ts";
import { writeAudit } from "../audit/writeAudit.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { createChainReader } from "../chain/chainReader.ts";
import { checkChain, httpStatusOf } from "../chain/checkChain.ts";
import { sealPublisherKey } from "../chain/publisherKey.ts";
import { findStartBlock } from "../chain/startBlock.ts";
import { chains, LOCK_CHAINS } from "../db/chains.ts";
import { eq, sql } from "../db/drizzle.ts";
import { ConflictError, InvalidInputError, UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import type { Context, VerbArgs } from "../verb.ts";
import type { CreateChainInput } from "./wire.ts";

export type CreateChainDeps = {
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  rpcTimeoutMs: number;
};

type ChainRow = typeof chains.$inferInsert;

/**
 * Adds a chain (HA-17). Its RPC is asked first, so that what is stored worked once; workers and the indexer take it up from the
 * database. It becomes the default when it is to, or while there is none.
 */
export async function createChain({
  ctx,
  input,
  secretBox,
  rpcTimeoutMs,
}: VerbArgs<CreateChainInput> & CreateChainDeps): Promise<Chain> {
  if (secretBox === null)
    throw new UnavailableError(
      "Chains cannot be added: private keys are sealed with CHAIN_KEY_ENCRYPTION_SECRET, which is not set; set it for the API and the workers",
    );
  if (await isKnown(ctx, input.chainId)) throw alreadyThere(input);
  const publisher = privateKeyToAccount(input.privateKey).address.toLowerCase() as Hex;
  const startBlock = await askChain(input, publisher, rpcTimeoutMs);
  return storeChain(ctx, {
    id: newId(),
    name: input.name,
    chainId: input.chainId,
    rpcUrl: input.rpcUrl,
    contractAddress: toBuffer(input.contractAddress),
    publisher: toBuffer(publisher),
    confirmations: input.confirmations,
    isDefault: input.isDefault,
    startBlock,
    privateKey: sealPublisherKey(secretBox, input.chainId, input.privateKey),
    createdAt: ctx.clock(),
  });
}

async function isKnown({ db }: Context, chainId: number): Promise<boolean> {
  return (await db.orm.$count(chains, eq(chains.chainId, chainId))) > 0;
}

function alreadyThere({ chainId }: { chainId: number }): ConflictError {
  return new ConflictError(`Chain ${chainId} already exists`);
}

/** @returns the block from which the chain is to be indexed; null when nobody can tell. */
async function askChain(
  { chainId, rpcUrl, contractAddress }: CreateChainInput,
  publisher: Hex,
  rpcTimeoutMs: number,
): Promise<number | null> {
  const reader = createChainReader({ rpcUrl, contractAddress: toBuffer(contractAddress) }, rpcTimeoutMs);
  const expected = { chainId, contractAddress, publisher };
  const asked = await Promise.resolve()
    .then(async () => {
      const fault = await checkChain(reader, expected);
      return { fault, startBlock: fault === null ? await findStartBlock(reader, expected) : null };
    })
    .catch((error: unknown) => {
      const status = httpStatusOf(error);
      const how = status === null ? "" : `: HTTP ${status}`;
      throw new InvalidInputError(`rpcUrl does not answer as the RPC of a chain${how}`, { member: "rpcUrl" });
    });
  switch (asked.fault?.kind) {
    case "otherChain":
      throw new InvalidInputError(
        `rpcUrl serves chain ${asked.fault.actualChainId}, and chainId is ${chainId}`,
        { member: "chainId" },
      );
    case "noContract":
      throw new InvalidInputError(
        `There is no contract at contractAddress on chain ${chainId}; deploy it first`,
        { member: "contractAddress" },
      );
    case "noBaseFee":
      throw new InvalidInputError(
        `Chain ${chainId} has no base fee (EIP-1559), so that it takes none of our transactions`,
        { member: "chainId" },
      );
    case "otherContract":
      throw new InvalidInputError(
        `The contract at contractAddress on chain ${chainId} is no AnchorRegistry`,
        {
          member: "contractAddress",
        },
      );
  }
  return asked.startBlock;
}

/** @throws {ConflictError} when another call was first; then nothing has changed. */
async function storeChain(ctx: Context, row: ChainRow): Promise<Chain> {
  return ctx.db.orm.transaction(async (tx) => {
    await tx.execute(sql.raw(LOCK_CHAINS));
    const isDefault = row.isDefault || (await tx.$count(chains, eq(chains.isDefault, true))) === 0;
    if (isDefault) await tx.update(chains).set({ isDefault: false }).where(eq(chains.isDefault, true));
    const [chain] = await tx
      .insert(chains)
      .values({ ...row, isDefault })
      .onConflictDoNothing()
      .returning();
    if (chain === undefined) throw alreadyThere(row);
    await writeAudit(tx, ctx, { resourceId: chain.id, statusCode: 201 });
    return chain;
  });
}

function toBuffer(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), "hex");
}
