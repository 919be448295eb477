import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Address, createPublicClient, getAddress, type Hex, http, isAddress } from "viem";
import { replayHead } from "#protocol/anchorHead.ts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { printable, printableJson, printableLines } from "#verifier/printable.ts";
import { writeAll } from "#verifier/writeAll.ts";
import { type IndexedAnchor, listAnchors, listPublishers, readIndexedBlock } from "./indexGraphql.ts";

/** "behind": right as far as the index says it has come, but the publisher has anchored since. Worst last. */
const VERDICTS = ["complete", "behind", "incomplete"] as const;
type Verdict = (typeof VERDICTS)[number];

export type PublisherCheck = {
  publisher: Address;
  complete: boolean;
  verdict: Verdict;
  /** How many anchors the index holds up to the block that was compared. */
  anchors: number;
  indexedHead: Hex;
  chainHead: Hex;
};
export type IndexCheck = {
  complete: boolean;
  /** The worst of the publishers'; "nothingToCheck" when there are none. */
  verdict: Verdict | "nothingToCheck";
  chainId: number;
  /** Block up to which the index says that it holds everything. */
  asOfBlock: string;
  /** The chain's own newest block when the check began. */
  latestBlock: string;
  publishers: PublisherCheck[];
};

const ATTEMPTS_MAX = 5;
const ATTEMPT_PAUSE_MS = 1_000;
const EXIT_CODE = { complete: 0, incomplete: 1, behind: 2, nothingToCheck: 2 } as const;
const CONCLUSION = {
  complete: "The index holds every anchor",
  incomplete: "The index is not complete",
  behind: "The index is behind the chain, so nothing is proved of the newest anchors",
  nothingToCheck: "Nothing was checked: the index knows no publisher, and none was named with --publisher",
} as const;

type Chain = { chainId: number; headAt: (publisher: Address, block: bigint) => Promise<Hex> };

/**
 * Proves that an index holds every anchor of its publishers, in order: replays each publisher's head from the indexed anchors
 * and compares it with the contract's `head(publisher)` at the chain's own newest block, so that what the index says of itself
 * need not be believed. One or two eth_calls per publisher.
 *
 *     node scripts/checkIndex.ts --graphql URL {--rpc URL}… {--contract 0x…}… [--publisher 0x…]… [--json]
 *
 * Without --publisher it checks those the index knows; one that the index has lost altogether is found only by naming it.
 * --json prints an IndexCheck per chain, one a line. Exit code: 0 complete, 1 not complete, 2 could not be proved (behind, nothing to check, no answer).
 */
export async function checkIndex(options: {
  graphqlUrl: string;
  rpcUrl: string;
  contract: Address;
  publishers?: readonly Address[];
}): Promise<IndexCheck> {
  const client = createPublicClient({ transport: http(options.rpcUrl), cacheTime: 0 });
  const chainId = await client.getChainId();
  const headAt: Chain["headAt"] = (publisher, blockNumber) =>
    client.readContract({
      address: options.contract,
      abi: anchorRegistryAbi,
      functionName: "head",
      args: [publisher],
      blockNumber,
    });
  const latestBlock = await client.getBlockNumber();
  for (let attempt = 1; ; attempt++) {
    const check = await checkOnce({ ...options, chain: { chainId, headAt }, latestBlock });
    // The index may just be reading that block, or a reorganisation have come in between: a real difference stays.
    if (check.complete || attempt === ATTEMPTS_MAX) return check;
    await delay(ATTEMPT_PAUSE_MS);
  }
}

async function checkOnce(options: {
  graphqlUrl: string;
  publishers?: readonly Address[];
  chain: Chain;
  latestBlock: bigint;
}): Promise<IndexCheck> {
  const { graphqlUrl, chain, latestBlock } = options;
  const { chainId } = chain;
  // Read before the anchors: what the index takes in meanwhile lies above and is left out.
  const indexedBlock = await readIndexedBlock(graphqlUrl, chainId);
  const named = options.publishers ?? (await listPublishers(graphqlUrl, chainId));
  const publishers = await Promise.all(
    named.map(async (publisher) =>
      checkPublisher(chain, {
        publisher: getAddress(publisher),
        anchors: await listAnchors(graphqlUrl, chainId, publisher),
        indexedBlock,
        latestBlock,
      }),
    ),
  );
  const worst = VERDICTS.findLast((verdict) => publishers.some((check) => check.verdict === verdict));
  return {
    complete: worst === "complete",
    verdict: worst ?? "nothingToCheck",
    chainId,
    asOfBlock: String(indexedBlock),
    latestBlock: String(latestBlock),
    publishers,
  };
}

async function checkPublisher(
  { headAt }: Chain,
  indexed: { publisher: Address; anchors: IndexedAnchor[]; indexedBlock: bigint; latestBlock: bigint },
): Promise<PublisherCheck> {
  const { publisher, indexedBlock, latestBlock } = indexed;
  const reachesLatest = indexedBlock >= latestBlock;
  const comparedBlock = reachesLatest ? latestBlock : indexedBlock;
  const anchors = indexed.anchors.filter((anchor) => anchor.blockNumber <= comparedBlock);
  const indexedHead = replayHead(anchors);
  const chainHead = await headAt(publisher, comparedBlock);
  const answer = (verdict: Verdict, head: Hex): PublisherCheck => {
    const complete = verdict === "complete";
    return { publisher, complete, verdict, anchors: anchors.length, indexedHead, chainHead: head };
  };
  if (indexedHead !== chainHead) return answer("incomplete", chainHead);
  if (reachesLatest) return answer("complete", chainHead);
  // The index itself chose the older block: only the newest one shows what it may have left out since.
  const latestHead = await headAt(publisher, latestBlock);
  return answer(indexedHead === latestHead ? "complete" : "behind", latestHead);
}

const USAGE =
  "usage: checkIndex.ts --graphql URL {--rpc URL}… {--contract 0x…}… [--publisher 0x…]… [--json]; one contract for all chains, or one for each";

/** The exit code: of several chains the worst, and not being complete is worse than not being proved. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      graphql: { type: "string" },
      rpc: { type: "string", multiple: true },
      contract: { type: "string", multiple: true },
      publisher: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
    },
  });
  const { graphql, rpc = [], contract = [], publisher = [] } = values;
  const isContractOfEach = contract.length === 1 || contract.length === rpc.length;
  const areAddresses = [...contract, ...publisher].every((address) => isAddress(address, { strict: false }));
  if (!graphql || rpc.length === 0 || !isContractOfEach || !areAddresses) throw new Error(USAGE);
  const codes: number[] = [];
  for (const [index, rpcUrl] of rpc.entries()) {
    const check = checkIndex({
      graphqlUrl: graphql,
      rpcUrl,
      contract: (contract[index] ?? contract[0]) as Address,
      publishers: publisher.length > 0 ? (publisher as Address[]) : undefined,
    });
    codes.push(await print(check, values.json));
  }
  return codes.includes(EXIT_CODE.incomplete) ? EXIT_CODE.incomplete : Math.max(...codes);
}

/** @returns the exit code for one chain; that another one could be checked is worth knowing all the same. */
async function print(checking: Promise<IndexCheck>, asJson: boolean): Promise<number> {
  try {
    const check = await checking;
    // Text of an index or a node stands in it. A verdict that was not written whole is none.
    const text = asJson ? `${printableJson(check)}\n` : printableLines(report(check));
    writeAll(process.stdout.fd, text);
    return EXIT_CODE[check.verdict];
  } catch (error) {
    console.error(`Could not check: ${printable((error as Error).message)}`);
    return EXIT_CODE.behind;
  }
}

function report({ verdict, chainId, asOfBlock, latestBlock, publishers }: IndexCheck): string[] {
  const word = { complete: "complete", behind: "BEHIND", incomplete: "NOT COMPLETE" };
  const lines = publishers.map(
    (check) =>
      `${word[check.verdict]}  ${check.publisher}  ${check.anchors} anchors` +
      (check.complete ? "" : `  index ${check.indexedHead}  chain ${check.chainHead}`),
  );
  const blocks = `index at block ${asOfBlock}, chain ${chainId} at block ${latestBlock}`;
  return [...lines, `${CONCLUSION[verdict]} (${blocks})`];
}

if (import.meta.main) {
  main().then(
    (code) => process.exit(code),
    (error: Error) => {
      console.error(`Could not check: ${printable(error.message)}`);
      process.exit(2);
    },
  );
}
