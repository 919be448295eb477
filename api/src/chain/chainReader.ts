import {
  BaseError,
  BlockNotFoundError,
  createPublicClient,
  type Hex,
  HttpRequestError,
  http,
  InternalRpcError,
  LimitExceededRpcError,
  type PublicClient,
  TimeoutError,
  type Transport,
  zeroHash,
} from "viem";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import type { Chain } from "./chainDirectory.ts";

/** Block numbers of the chain's own tags; null where the chain does not know the tag, undefined where the node gave no answer this time. */
export type ChainHeads = {
  latest: number;
  safe: number | null | undefined;
  finalized: number | null | undefined;
};

/** What the contract holds under (publisher, root). `blockTimestamp`: seconds since 1970. */
export type AnchorOnChain = { blockNumber: bigint; blockTimestamp: bigint; leafCount: number };

/** Read-only view of one chain. Every call may throw viem's errors: the chain did not answer, or answered an error. */
export type ChainReader = {
  readonly client: PublicClient;
  heads(): Promise<ChainHeads>;
  /** Hash of the canonical block with this number; null when the chain has none. */
  blockHash(blockNumber: number): Promise<Hex | null>;
  /** Null when the contract says so; throws when there is no contract at the address, which says nothing of the anchor. */
  anchorOf(publisher: Hex, root: Hex): Promise<AnchorOnChain | null>;
  /** The publisher's head by the contract: null before its first anchor. */
  headOf(publisher: Hex): Promise<Hex | null>;
};

/** HTTP transport whose failed calls are heard of. */
function countingHttp(rpcUrl: string, timeoutMs: number, onError: () => void): Transport {
  const transport = http(rpcUrl, {
    timeout: timeoutMs,
    retryCount: 0,
    // A node that sends us elsewhere could send us to what only this machine reaches.
    fetchOptions: { redirect: "error" },
  });
  return (options) => {
    const made = transport(options);
    const request: typeof made.request = async (...call) => {
      try {
        return await made.request(...call);
      } catch (error) {
        onError();
        throw error;
      }
    };
    return { ...made, request };
  };
}

/** Whether the node said nothing about what was asked; any other error is its answer that there is no such block. */
function isUnanswered(error: unknown): boolean {
  if (!(error instanceof BaseError)) return true;
  const kinds = [HttpRequestError, TimeoutError, LimitExceededRpcError, InternalRpcError];
  return error.walk((cause) => kinds.some((kind) => cause instanceof kind)) !== null;
}

/** Retries belong to the loops that call, which know what has become true meanwhile; here each call is made once. */
export function createChainReader(
  { rpcUrl, contractAddress }: Pick<Chain, "rpcUrl" | "contractAddress">,
  timeoutMs: number,
  onError: () => void = () => {},
): ChainReader {
  const client = createPublicClient({ transport: countingHttp(rpcUrl, timeoutMs, onError), cacheTime: 0 });
  const address = `0x${Buffer.from(contractAddress).toString("hex")}` as const;

  async function tagged(blockTag: "safe" | "finalized"): Promise<number | null | undefined> {
    try {
      return Number((await client.getBlock({ blockTag })).number);
    } catch (error) {
      return isUnanswered(error) ? undefined : null;
    }
  }

  return {
    client,
    async heads() {
      const [latest, safe, finalized] = await Promise.all([
        client.getBlock({ blockTag: "latest" }),
        tagged("safe"),
        tagged("finalized"),
      ]);
      return { latest: Number(latest.number), safe, finalized };
    },
    async blockHash(blockNumber) {
      try {
        return (await client.getBlock({ blockNumber: BigInt(blockNumber) })).hash;
      } catch (error) {
        if (error instanceof BlockNotFoundError) return null;
        throw error;
      }
    },
    async anchorOf(publisher, root) {
      const [blockNumber, blockTimestamp, leafCount] = await client.readContract({
        address,
        abi: anchorRegistryAbi,
        functionName: "anchorOf",
        args: [publisher, root],
      });
      return leafCount === 0 ? null : { blockNumber, blockTimestamp, leafCount };
    },
    async headOf(publisher) {
      const head = await client.readContract({
        address,
        abi: anchorRegistryAbi,
        functionName: "head",
        args: [publisher],
      });
      return head === zeroHash ? null : head;
    },
  };
}
