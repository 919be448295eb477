import {
  type Address,
  BaseError,
  type Hex,
  isAddressEqual,
  type PublicClient,
  RpcError,
  RpcRequestError,
  UnknownRpcError,
} from "viem";

type Creation = { startBlock: number; transactionHash: Hex | null };
type CreatedContract = { publicClient: PublicClient; address: Address };

/**
 * Finds the block in which a contract appeared, by bisection over `eth_getCode`, and there the transaction that carried
 * `creationInput`.
 *
 * Needs a node that still has the state of that block. When the node has it no longer, the answer is block 0: slower to
 * index from than necessary, but nothing is missed.
 */
export async function findCreation(
  contract: CreatedContract & { creationTarget: Address; creationInput: Hex },
): Promise<Creation> {
  const { publicClient, creationTarget, creationInput } = contract;
  let absentAt = -1n;
  let presentAt = await publicClient.getBlockNumber({ cacheTime: 0 });
  while (presentAt - absentAt > 1n) {
    const middle = (absentAt + presentAt) / 2n;
    if (await hasCodeAt(contract, middle)) presentAt = middle;
    else absentAt = middle;
  }
  if (absentAt >= 0n && (await hasCodeAt(contract, absentAt)) === undefined) {
    return { startBlock: 0, transactionHash: null };
  }
  const { transactions } = await publicClient.getBlock({ blockNumber: presentAt, includeTransactions: true });
  const creation = transactions.find(
    ({ to, input }) => to !== null && isAddressEqual(to, creationTarget) && input === creationInput,
  );
  return { startBlock: Number(presentAt), transactionHash: creation?.hash ?? null };
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
  const isPresent = await hasCodeAt(contract, startBlock);
  const wasPresent = await hasCodeAt(contract, startBlock - 1n);
  return isPresent !== false && wasPresent !== true;
}

/** Undefined when the node answers that it does not know. */
async function hasCodeAt(
  { publicClient, address }: CreatedContract,
  blockNumber: bigint,
): Promise<boolean | undefined> {
  try {
    return (await publicClient.getCode({ address, blockNumber })) !== undefined;
  } catch (error) {
    if (error instanceof BaseError && error.walk(isAnswerOfNode) !== null) return undefined;
    throw error;
  }
}

function isAnswerOfNode(error: unknown): boolean {
  if (error instanceof UnknownRpcError) return false;
  return error instanceof RpcRequestError || error instanceof RpcError;
}
