import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";

/** What the publisher of each chain has left, in wei; null for a chain that does not answer. */
export function readPublisherBalances(chains: Chain[], readerOf: (chain: Chain) => ChainReader) {
  return Promise.all(
    chains.map(async (chain) => {
      const publisher = `0x${Buffer.from(chain.publisher).toString("hex")}` as const;
      const balanceWei = await readerOf(chain)
        .client.getBalance({ address: publisher })
        .catch(() => null);
      return { chainId: chain.chainId, publisher, balanceWei };
    }),
  );
}
