import {
  AbiDecodingDataSizeTooSmallError,
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  HttpRequestError,
} from "viem";
import type { Hex } from "#protocol/bytes.ts";
import type { ChainReader } from "./chainReader.ts";

/** Why an RPC endpoint is not that of the chain and contract it should be. */
export type ChainFault =
  | { kind: "otherChain"; actualChainId: number }
  | { kind: "noContract" }
  /** There is code at the address, but not the contract's. */
  | { kind: "otherContract" }
  /** The chain's blocks have no base fee, so that it takes none of our transactions (EIP-1559). */
  | { kind: "noBaseFee" };

/**
 * Asks an RPC endpoint whether it serves the chain, with the contract on it.
 * @returns null when it does.
 * @throws viem's errors when it does not answer.
 */
export async function checkChain(
  reader: ChainReader,
  { chainId, contractAddress, publisher }: { chainId: number; contractAddress: Hex; publisher: Hex },
): Promise<ChainFault | null> {
  const actualChainId = await reader.client.getChainId();
  if (actualChainId !== chainId) return { kind: "otherChain", actualChainId };
  const { baseFeePerGas } = await reader.client.getBlock({ blockTag: "latest" });
  if (typeof baseFeePerGas !== "bigint") return { kind: "noBaseFee" };
  const code = await reader.client.getCode({ address: contractAddress });
  if (code === undefined) return { kind: "noContract" };
  try {
    await reader.headOf(publisher);
    return null;
  } catch (error) {
    if (isForeignAnswer(error)) return { kind: "otherContract" };
    throw error;
  }
}

/** Whether the contract answered, in a way in which ours never does. */
function isForeignAnswer(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  const kinds = [
    ContractFunctionRevertedError,
    ContractFunctionZeroDataError,
    AbiDecodingDataSizeTooSmallError,
  ];
  return error.walk((cause) => kinds.some((kind) => cause instanceof kind)) !== null;
}

/** The HTTP status with which an endpoint refused; null when it said nothing. The rest of viem's error holds the URL. */
export function httpStatusOf(error: unknown): number | null {
  if (!(error instanceof BaseError)) return null;
  const refused = error.walk((cause) => cause instanceof HttpRequestError);
  return refused instanceof HttpRequestError ? (refused.status ?? null) : null;
}
