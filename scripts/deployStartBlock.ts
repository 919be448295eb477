import { type Address, type Hex, isAddressEqual, type PublicClient } from "viem";
import { findContractBlock, hasCodeAt } from "#api/chain/contractBlock.ts";

type Creation = { startBlock: number; transactionHash: Hex | null };
type CreatedContract = { publicClient: PublicClient; address: Address };

/**
 * Finds the block in which a contract appeared, and there the transaction that carried `creationInput`.
 *
 * Needs a node that still has the state of that block. When the node has it no longer, the answer is block 0: slower to
 * index from than necessary, but nothing is missed.
 */
export async function findCreation(
  contract: CreatedContract & { creationTarget: Address; creationInput: Hex },
): Promise<Creation> {
  const { publicClient, address, creationTarget, creationInput } = contract;
  const blockNumber = await findContractBlock({ client: publicClient, address });
  if (blockNumber === null) return { startBlock: 0, transactionHash: null };
  const { transactions } = await publicClient.getBlock({ blockNumber, includeTransactions: true });
  const creation = transactions.find(
    ({ to, input }) => to !== null && isAddressEqual(to, creationTarget) && input === creationInput,
  );
  return { startBlock: Number(blockNumber), transactionHash: creation?.hash ?? null };
}

/**
 * Whether a recorded creation is still what the chain says; false after the chain was reset. Where the node cannot tell, because
 * it has dropped the state of that time, the record is believed.
 */
export async function isCreationOnChain(contract: CreatedContract, creation: Creation): Promise<boolean> {
  const startBlock = BigInt(creation.startBlock);
  if ((await contract.publicClient.getBlockNumber({ cacheTime: 0 })) < startBlock) return false;
  if (creation.transactionHash !== null) {
    const block = await contract.publicClient.getBlock({ blockNumber: startBlock });
    return block.transactions.includes(creation.transactionHash);
  }
  if (startBlock === 0n) return true;
  const { publicClient: client, address } = contract;
  const isPresent = await hasCodeAt({ client, address }, startBlock);
  const wasPresent = await hasCodeAt({ client, address }, startBlock - 1n);
  return isPresent !== false && wasPresent !== true;
}
