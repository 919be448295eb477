import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { within } from "../within.ts";

/** Prometheus gives up a scrape after 10 s; one silent chain must not cost it all others. Milliseconds. */
const ANSWER_MS_MAX = 3_000;

/** What the publisher of each chain has left, in wei; null for a chain that does not answer. */
export function readPublisherBalances(chains: Chain[], readerOf: (chain: Chain) => ChainReader) {
  return Promise.all(
    chains.map(async (chain) => {
      const publisher = `0x${Buffer.from(chain.publisher).toString("hex")}` as const;
      const asked = readerOf(chain).client.getBalance({ address: publisher });
      const balanceWei = await within(ANSWER_MS_MAX, asked);
      return { chainId: chain.chainId, publisher, balanceWei };
    }),
  );
}
