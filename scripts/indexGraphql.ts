import type { Address, Hex } from "viem";
import { z } from "zod";

const PAGE_LIMIT = 1_000;
const TIMEOUT_MS = 30_000;

export type IndexedAnchor = {
  root: Hex;
  leafCount: bigint;
  blockNumber: bigint;
  /** Seconds since 1970. */
  blockTimestamp: bigint;
  logIndex: number;
};

const hex = z.templateLiteral(["0x", z.string().regex(/^[0-9a-f]*$/)]);
const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
const anchorPage = z.object({
  anchors: z.object({
    items: z.array(
      z.object({
        root: hex,
        leafCount: z.coerce.bigint(),
        blockNumber: z.coerce.bigint(),
        blockTimestamp: z.coerce.bigint(),
        logIndex: z.number(),
      }),
    ),
    pageInfo,
  }),
});
const publisherPage = z.object({
  publishers: z.object({ items: z.array(z.object({ publisher: hex })), pageInfo }),
});
const status = z.object({
  _meta: z.object({
    status: z.record(z.string(), z.object({ id: z.number(), block: z.object({ number: z.number() }) })),
  }),
});

/** Block up to which the index behind this GraphQL endpoint holds everything. */
export async function readIndexedBlock(url: string, chainId: number): Promise<bigint> {
  const answer = status.parse(await query(url, "{ _meta { status } }", {}));
  const chain = Object.values(answer._meta.status).find(({ id }) => id === chainId);
  if (!chain) throw new Error(`The index does not know chain ${chainId}`);
  return BigInt(chain.block.number);
}

/** Every publisher that the index holds an anchor of. */
export async function listPublishers(url: string, chainId: number): Promise<Address[]> {
  const text = `query ($chainId: BigInt!, $after: String) {
    publishers(where: { chainId: $chainId }, limit: ${PAGE_LIMIT}, after: $after) {
      items { publisher } pageInfo { hasNextPage endCursor } } }`;
  return allPages(async (after) => {
    const { items, pageInfo } = publisherPage.parse(
      await query(url, text, { chainId: String(chainId), after }),
    ).publishers;
    return { items: items.map(({ publisher }) => publisher), pageInfo };
  });
}

/** Every anchor of one publisher, in the order of the chain. */
export async function listAnchors(
  url: string,
  chainId: number,
  publisher: Address,
): Promise<IndexedAnchor[]> {
  const text = `query ($chainId: BigInt!, $publisher: String!, $after: String) {
    anchors(where: { chainId: $chainId, publisher: $publisher }, orderBy: "blockNumber", limit: ${PAGE_LIMIT}, after: $after) {
      items { root leafCount blockNumber blockTimestamp logIndex } pageInfo { hasNextPage endCursor } } }`;
  const variables = { chainId: String(chainId), publisher: publisher.toLowerCase() };
  const anchors = await allPages(
    async (after) => anchorPage.parse(await query(url, text, { ...variables, after })).anchors,
  );
  return anchors.sort((a, b) => Number(a.blockNumber - b.blockNumber) || a.logIndex - b.logIndex);
}

type Page<T> = { items: T[]; pageInfo: z.output<typeof pageInfo> };

async function allPages<T>(readPage: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | null = null; ; ) {
    const page: Page<T> = await readPage(after);
    all.push(...page.items);
    if (!page.pageInfo.hasNextPage) return all;
    after = page.pageInfo.endCursor;
    if (after === null) throw new Error("The index says that there is more, but not where");
  }
}

async function query(url: string, text: string, variables: Record<string, unknown>): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: text, variables }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
  if (answer.errors?.[0]) throw new Error(`The index answered: ${answer.errors[0].message}`);
  return answer.data;
}
