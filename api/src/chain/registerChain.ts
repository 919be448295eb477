import { eq } from "drizzle-orm";
import type { Hex } from "#protocol/bytes.ts";
import { chains } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import type { Chain } from "./chainDirectory.ts";
import type { ChainReader } from "./chainReader.ts";

export type ChainSettings = {
  chainId: number;
  name: string;
  rpcUrl: string;
  contractAddress: Hex;
  publisher: Hex;
  confirmations: number;
};

/**
 * Makes the chain of the settings known to every process, as the default one.
 * @throws {WrongChainError} when the chain is known with another contract: its receipts name that one.
 */
export async function registerChain(db: Database, settings: ChainSettings): Promise<Chain> {
  await withTransaction(db, async (tx) => {
    const known = await tx.query<{ contract_address: Buffer }>(
      "SELECT contract_address FROM app.chains WHERE chain_id = $1",
      [settings.chainId],
    );
    const contract = known.rows[0] && `0x${known.rows[0].contract_address.toString("hex")}`;
    if (contract !== undefined && contract !== settings.contractAddress) {
      throw new WrongChainError(
        `chain ${settings.chainId} anchors in ${contract}, and receipts name it; CHAIN_CONTRACT_ADDRESS is ${settings.contractAddress}`,
      );
    }
    await tx.query("UPDATE app.chains SET is_default = false WHERE chain_id <> $1 AND is_default", [
      settings.chainId,
    ]);
    await tx.query(
      `INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations, is_default)
       VALUES ($1, $2, $3, $4, $5, $6, true)
       ON CONFLICT (chain_id) DO UPDATE SET name = excluded.name, rpc_url = excluded.rpc_url, contract_address = excluded.contract_address,
         publisher = excluded.publisher, confirmations = excluded.confirmations, is_default = true`,
      [
        settings.chainId,
        settings.name,
        settings.rpcUrl,
        toBuffer(settings.contractAddress),
        toBuffer(settings.publisher),
        settings.confirmations,
      ],
    );
  });
  const [chain] = await db.orm.select().from(chains).where(eq(chains.chainId, settings.chainId));
  return chain!;
}

export class WrongChainError extends Error {
  override name = "WrongChainError";
}

/**
 * Asks the RPC endpoint whether it is what the settings say.
 * @throws {WrongChainError} for another chain id, or when there is no contract at the address.
 */
export async function requireChain(
  { client }: ChainReader,
  { chainId, contractAddress }: Pick<ChainSettings, "chainId" | "contractAddress">,
): Promise<void> {
  const actual = await client.getChainId();
  if (actual !== chainId)
    throw new WrongChainError(`CHAIN_RPC_URL serves chain ${actual}, CHAIN_ID is ${chainId}`);
  const code = await client.getCode({ address: contractAddress });
  if (code === undefined)
    throw new WrongChainError(
      `there is no contract at CHAIN_CONTRACT_ADDRESS ${contractAddress} on chain ${chainId}; deploy it first`,
    );
}

function toBuffer(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), "hex");
}
