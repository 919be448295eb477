import { parseArgs } from "node:util";
import { type Address, createPublicClient, getAddress, type Hex, http, isAddress } from "viem";
import { type AnchorLink, replayHead } from "#protocol/anchorHead.ts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { listAnchors, listPublishers, readIndexedBlock } from "./indexGraphql.ts";

export type PublisherCheck = {
  publisher: Address;
  anchors: number;
  indexedHead: Hex;
  chainHead: Hex;
  complete: boolean;
};
export type IndexCheck = {
  complete: boolean;
  chainId: number;
  asOfBlock: string;
  publishers: PublisherCheck[];
};

const ATTEMPTS_MAX = 5;

/**
 * Proves that an index holds every anchor of its publishers, in order: replays each publisher's head from the indexed anchors
 * and compares it with the contract's `head(publisher)` at the block the index stands at. One eth_call per publisher.
 *
 *     node scripts/checkIndex.ts --graphql URL --rpc URL --contract 0x… [--publisher 0x…]… [--json]
 *
 * Without --publisher it checks those the index knows; one that the index has lost altogether is found only by naming it.
 * Exit code: 0 complete, 1 not complete, 2 could not check.
 */
export async function checkIndex(options: {
  graphqlUrl: string;
  rpcUrl: string;
  contract: Address;
  publishers?: readonly Address[];
}): Promise<IndexCheck> {
  const client = createPublicClient({ transport: http(options.rpcUrl), cacheTime: 0 });
  const chainId = await client.getChainId();
  for (let attempt = 1; ; attempt++) {
    const before = await readIndexedBlock(options.graphqlUrl, chainId);
    const named = options.publishers ?? (await listPublishers(options.graphqlUrl, chainId));
    const indexed = await Promise.all(
      named.map(async (publisher) => ({
        publisher: getAddress(publisher),
        anchors: await listAnchors(options.graphqlUrl, chainId, publisher),
      })),
    );
    const asOfBlock = await readIndexedBlock(options.graphqlUrl, chainId);
    // An anchor that arrived between two pages would be missing from neither the index nor the chain: read again.
    if (asOfBlock !== before && attempt < ATTEMPTS_MAX) continue;
    const publishers = await Promise.all(
      indexed.map(async ({ publisher, anchors }): Promise<PublisherCheck> => {
        const settled = anchors.filter((anchor) => anchor.blockNumber <= asOfBlock);
        const chainHead = await client.readContract({
          address: options.contract,
          abi: anchorRegistryAbi,
          functionName: "head",
          args: [publisher],
          blockNumber: asOfBlock,
        });
        const indexedHead = replayHead(settled satisfies AnchorLink[]);
        return {
          publisher,
          anchors: settled.length,
          indexedHead,
          chainHead,
          complete: indexedHead === chainHead,
        };
      }),
    );
    const complete = publishers.every((publisher) => publisher.complete);
    // A reorganisation in between looks like a difference; a real one is still there when read again.
    if (!complete && attempt < ATTEMPTS_MAX) continue;
    return { complete, chainId, asOfBlock: String(asOfBlock), publishers };
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      graphql: { type: "string" },
      rpc: { type: "string" },
      contract: { type: "string" },
      publisher: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
    },
  });
  const { graphql, rpc, contract, publisher = [] } = values;
  if (
    !graphql ||
    !rpc ||
    !contract ||
    ![contract, ...publisher].every((address) => isAddress(address, { strict: false }))
  )
    throw new Error(
      "usage: checkIndex.ts --graphql URL --rpc URL --contract 0x… [--publisher 0x…]… [--json]",
    );
  const check = await checkIndex({
    graphqlUrl: graphql,
    rpcUrl: rpc,
    contract: contract as Address,
    publishers: publisher.length > 0 ? (publisher as Address[]) : undefined,
  });
  console.log(values.json ? JSON.stringify(check) : report(check));
  return check.complete ? 0 : 1;
}

function report({ complete, chainId, asOfBlock, publishers }: IndexCheck): string {
  const lines = publishers.map(
    (check) =>
      `${check.complete ? "complete" : "NOT COMPLETE"}  ${check.publisher}  ${check.anchors} anchors` +
      (check.complete ? "" : `  index ${check.indexedHead}  chain ${check.chainHead}`),
  );
  const verdict = complete ? "The index holds every anchor" : "The index is not complete";
  return [...lines, `${verdict}, as of block ${asOfBlock} of chain ${chainId}`].join("\n");
}

if (import.meta.main) {
  main().then(
    (code) => process.exit(code),
    (error: Error) => {
      console.error(`Could not check: ${error.message}`);
      process.exit(2);
    },
  );
}
