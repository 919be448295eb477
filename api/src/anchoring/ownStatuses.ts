import type { Hex } from "#protocol/bytes.ts";
import type { CrossCheckFailure } from "#protocol/crossCheck.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { UnavailableError } from "../errors.ts";
import type { LeafRow } from "./findLeaves.ts";
import { type Status, statusOf } from "./leafStatus.ts";

export type OwnStatusDeps = {
  chains: ChainDirectory;
  findOwnLeaf: (wanted: { contentHash: Buffer; tenantId: string }) => Promise<LeafRow | null>;
  onDisagreement: (leaf: LeafRow, failed: CrossCheckFailure) => void;
};

/** `blockTimestamp`: of the anchor's block. */
export type OwnStatus =
  | { status: Exclude<Status, "anchored">; submissionId: string }
  | { status: "anchored"; submissionId: string; txHash: Hex; blockTimestamp: Date };

export type ReadOwnStatuses = (
  tenantId: string,
  contentHashes: readonly Buffer[],
) => Promise<(OwnStatus | null)[]>;

/**
 * What may be said of a tenant's submissions of these hashes, in their order: the same as the public verification of each
 * would say, had nobody else submitted it (HA-5); null for what the tenant has not submitted.
 */
export function createOwnStatusReader({
  chains,
  findOwnLeaf,
  onDisagreement,
}: OwnStatusDeps): ReadOwnStatuses {
  return async (tenantId, contentHashes) => {
    const leaves = await Promise.all(
      contentHashes.map((contentHash) => findOwnLeaf({ contentHash, tenantId })),
    );
    const chainIds = [...new Set(leaves.flatMap((leaf) => leaf?.chain_id ?? []))];
    const known = new Map(
      await Promise.all(chainIds.map(async (chainId) => [chainId, await chains.find(chainId)] as const)),
    );
    return leaves.map((leaf) => {
      if (leaf === null) return null;
      const chain = known.get(leaf.chain_id) ?? null;
      if (chain === null) throw new UnavailableError("The chain of this hash is not known here; try again");
      const said = statusOf(leaf, chain);
      const submissionId = leaf.submission_id;
      if (said.status === "batched" && said.failed !== undefined) onDisagreement(leaf, said.failed);
      if (said.status !== "anchored") return { status: said.status, submissionId };
      const blockTimestamp = new Date(said.leaf.block_timestamp * 1_000);
      return { status: said.status, submissionId, txHash: said.leaf.tx_hash, blockTimestamp };
    });
  };
}
