import { createTestClient, type Hex, http, publicActions } from "viem";
import { startHardhatChain, type TestChain } from "./chains.ts";

/** All that went into a chain: enough to make it again, block hash by block hash. */
export type ChainJournal = {
  /** Seconds since 1970. */
  initialDate: number;
  /** Hardhat's name for it: another one may give a block another form. */
  hardfork: string;
  /**
   * The blocks after the first. `timestamp`: seconds since 1970. `transactions`: signed, in the
   * order of their mining.
   */
  blocks: readonly { timestamp: number; transactions: readonly Hex[] }[];
};

export type ChainHead = { number: number; hash: Hex };

/**
 * Starts a real node and mines the journal's blocks on it, and none after them.
 * @throws {Error} when a block does not hold what the journal has for it.
 */
export async function replayChain(journal: ChainJournal): Promise<TestChain & { head: ChainHead }> {
  const args = ["--initial-date", String(journal.initialDate), "--hardfork", journal.hardfork];
  const chain = await startHardhatChain({ mining: "manual", args });
  try {
    return { ...chain, head: await mineJournal(chain.rpcUrl, journal) };
  } catch (error) {
    await chain.stop();
    throw error;
  }
}

async function mineJournal(rpcUrl: string, { blocks }: ChainJournal): Promise<ChainHead> {
  const client = createTestClient({ mode: "hardhat", transport: http(rpcUrl) }).extend(publicActions);
  for (const { timestamp, transactions } of blocks) {
    for (const serializedTransaction of transactions)
      await client.sendRawTransaction({ serializedTransaction });
    await client.setNextBlockTimestamp({ timestamp: BigInt(timestamp) });
    await client.mine({ blocks: 1 });
    const block = await client.getBlock();
    if (block.transactions.length !== transactions.length)
      throw new Error(`block ${block.number} holds other transactions than the journal`);
  }
  const { number, hash } = await client.getBlock();
  return { number: Number(number), hash };
}
