import { encodeFunctionData } from "viem";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import type { Hex } from "#protocol/bytes.ts";
import { isRegistryCode } from "#protocol/registryCode.ts";
import type { BlockPlace } from "./chainReader.ts";
import { hashOf, wordsOf } from "./rpcAnswer.ts";
import type { StateReader } from "./stateReader.ts";

/** Which anchor. Addresses in lower case, for viem refuses a mixed case that is no checksum. */
export type AnchorKey = { contract: Hex; publisher: Hex; root: Hex };
/** All zero when nothing is anchored. `blockTimestamp`: seconds since 1970. */
export type StoredAnchor = { leafCount: bigint; blockTimestamp: bigint };
/** `known`: this release's registry. */
export type CodeAtAddress = "known" | "other" | "none";

const UINT32_MAX = 0xffff_ffffn;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

export async function readCode(
  state: StateReader,
  { contract }: AnchorKey,
  block: BlockPlace,
): Promise<CodeAtAddress> {
  const code = await state.code(contract, block);
  if (code === "0x") return "none";
  return isRegistryCode(code) ? "known" : "other";
}

/** What `anchorOf` answers; null when no registry answers at the address. */
export async function readAnchor(
  state: StateReader,
  { contract, publisher, root }: AnchorKey,
  block: BlockPlace,
): Promise<StoredAnchor | null> {
  const args = [publisher, root] as const;
  const data = encodeFunctionData({ abi: anchorRegistryAbi, functionName: "anchorOf", args });
  const result = await state.call({ to: contract, data }, block);
  // The contract's own block number is left aside: on some chains block.number is another chain's.
  const [blockNumber, blockTimestamp, leafCount] = wordsOf(result, 3) ?? [];
  if (blockNumber === undefined || blockTimestamp === undefined || leafCount === undefined) return null;
  if (blockNumber > UINT64_MAX || blockTimestamp > UINT64_MAX || leafCount > UINT32_MAX) return null;
  return { blockTimestamp, leafCount };
}

/** The publisher's head after a block; null when no registry answers at the address. */
export async function readHead(
  state: StateReader,
  { contract, publisher }: AnchorKey,
  block: BlockPlace,
): Promise<Hex | null> {
  const data = encodeFunctionData({ abi: anchorRegistryAbi, functionName: "head", args: [publisher] });
  const result = await state.call({ to: contract, data }, block);
  return wordsOf(result, 1) === null ? null : hashOf(result);
}
