import type { PoolClient } from "pg";
import type { Hex } from "#protocol/bytes.ts";
import { chains, LOCK_CHAINS } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { eq } from "../db/drizzle.ts";
import { withTransaction } from "../db/transaction.ts";
import type { Chain } from "./chainDirectory.ts";
import type { ChainReader } from "./chainReader.ts";
import { type ChainFault, checkChain } from "./checkChain.ts";
import { findStartBlock } from "./startBlock.ts";

export type ChainSettings = {
  chainId: number;
  name: string;
  rpcUrl: string;
  contractAddress: Hex;
  publisher: Hex;
  confirmations: number;
};

/** Settings that contradict the chain, or what the database knows of it: nothing that passes. */
export class WrongChainError extends Error {
  override name = "WrongChainError";
}

/**
 * Makes the chain of the settings known to every process. It becomes the default one, unless one that was added over HTTP is.
 * @throws {WrongChainError} when the chain is known with another contract: its receipts name that one. Also when it was added over
 * HTTP: two keys for one chain would take turns.
 */
export async function registerChain(
  db: Database,
  settings: ChainSettings,
  startBlock: number | null = null,
): Promise<Chain> {
  await withTransaction(db, async (tx) => {
    await tx.query(LOCK_CHAINS);
    await requireOurs(tx, settings);
    await tx.query(
      "UPDATE app.chains SET is_default = false WHERE chain_id <> $1 AND is_default AND private_key IS NULL",
      [settings.chainId],
    );
    await tx.query(
      `INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations, start_block, is_default)
       SELECT $1, $2, $3, $4, $5, $6, $7, NOT EXISTS (SELECT FROM app.chains WHERE chain_id <> $1 AND is_default)
       ON CONFLICT (chain_id) DO UPDATE SET name = excluded.name, rpc_url = excluded.rpc_url, publisher = excluded.publisher,
         confirmations = excluded.confirmations, start_block = coalesce(excluded.start_block, chains.start_block),
         is_default = excluded.is_default`,
      [
        settings.chainId,
        settings.name,
        settings.rpcUrl,
        toBuffer(settings.contractAddress),
        toBuffer(settings.publisher),
        settings.confirmations,
        startBlock,
      ],
    );
  });
  const [chain] = await db.orm.select().from(chains).where(eq(chains.chainId, settings.chainId));
  return chain!;
}

async function requireOurs(
  tx: Pick<PoolClient, "query">,
  { chainId, contractAddress }: ChainSettings,
): Promise<void> {
  const { rows } = await tx.query<{ contract_address: Buffer; is_added: boolean }>(
    "SELECT contract_address, private_key IS NOT NULL AS is_added FROM app.chains WHERE chain_id = $1",
    [chainId],
  );
  const [known] = rows;
  if (known === undefined) return;
  if (known.is_added)
    throw new WrongChainError(
      `chain ${chainId} was added with POST /admin/chains, and its key is in the database: take CHAIN_ID and CHAIN_* out of the settings`,
    );
  const contract = `0x${known.contract_address.toString("hex")}`;
  if (contract !== contractAddress)
    throw new WrongChainError(
      `chain ${chainId} anchors in ${contract}, and receipts name it; CHAIN_CONTRACT_ADDRESS is ${contractAddress}`,
    );
}

/** Where an index of the settings' chain begins, as far as it is not known yet. */
export async function findMissingStartBlock(
  { orm }: Database,
  reader: ChainReader,
  settings: ChainSettings,
): Promise<number | null> {
  const [known] = await orm
    .select({ startBlock: chains.startBlock })
    .from(chains)
    .where(eq(chains.chainId, settings.chainId));
  return known?.startBlock ?? findStartBlock(reader, settings);
}

/**
 * Asks the RPC endpoint whether it is what the settings say.
 * @throws {WrongChainError} for another chain id, or when there is no contract, or another one, at the address.
 */
export async function requireChain(
  reader: ChainReader,
  expected: Pick<ChainSettings, "chainId" | "contractAddress" | "publisher">,
): Promise<void> {
  const fault = await checkChain(reader, expected);
  if (fault !== null) throw new WrongChainError(describe(fault, expected));
}

function describe(
  fault: ChainFault,
  { chainId, contractAddress }: Pick<ChainSettings, "chainId" | "contractAddress">,
): string {
  switch (fault.kind) {
    case "otherChain":
      return `the RPC URL serves chain ${fault.actualChainId}, not ${chainId}`;
    case "noContract":
      return `there is no contract at ${contractAddress} on chain ${chainId}; deploy it first`;
    case "noBaseFee":
      return `chain ${chainId} has no base fee (EIP-1559), so that it takes none of our transactions`;
    case "otherContract":
      return `the contract at ${contractAddress} on chain ${chainId} is no AnchorRegistry`;
  }
}

function toBuffer(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), "hex");
}
