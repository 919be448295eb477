import { numberToHex } from "viem";
import type { Hex } from "#protocol/bytes.ts";
import type { BlockPlace } from "./chainReader.ts";
import type { Rpc } from "./rpc.ts";
import { bytesOf } from "./rpcAnswer.ts";
import { RpcRefusedError } from "./rpcError.ts";

export type StateReader = {
  code(address: Hex, block: BlockPlace): Promise<Hex>;
  /** Null when the call reverts. */
  call(call: { to: Hex; data: Hex }, block: BlockPlace): Promise<Hex | null>;
  /**
   * Blocks whose state was read by number. Unless their numbers have these hashes still, it may be
   * of another chain.
   */
  readonly byNumber: readonly BlockPlace[];
};

/**
 * Reads state by a block's hash (EIP-1898), and by its number from a node that refuses that form.
 */
export function stateReader(rpc: Rpc): StateReader {
  const byNumber: BlockPlace[] = [];
  let takesHashes = true;

  const read = async (method: string, subject: unknown, block: BlockPlace): Promise<Hex> => {
    if (takesHashes) {
      try {
        const place = { blockHash: block.hash, requireCanonical: true };
        return bytesOf(await rpc.request({ method, params: [subject, place] }));
      } catch (error) {
        if (!refusesHashes(error)) throw error;
        takesHashes = false;
      }
    }
    byNumber.push(block);
    return bytesOf(await rpc.request({ method, params: [subject, numberToHex(block.number)] }));
  };

  return {
    byNumber,
    code: (address, block) => read("eth_getCode", address, block),
    call: (call, block) => read("eth_call", call, block).catch(nullIfReverted),
  };
}

/** Nodes have no common code for a form of parameter that they do not know. */
function refusesHashes(error: unknown): boolean {
  return (
    error instanceof RpcRefusedError && error.weight !== "failure" && !error.isRevert && !error.isNotThere
  );
}

function nullIfReverted(error: unknown): null {
  if (error instanceof RpcRefusedError && error.isRevert) return null;
  throw error;
}
