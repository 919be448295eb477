import { ponder } from "ponder:registry";
import { anchor, publisher } from "ponder:schema";

ponder.on("AnchorRegistry:Anchored", async ({ event, context }) => {
  const chainId = BigInt(context.chain.id);
  const { root, leafCount, head } = event.args;
  const blockNumber = event.block.number;

  await context.db.insert(anchor).values({
    chainId,
    publisher: event.args.publisher,
    root,
    leafCount: BigInt(leafCount),
    head,
    blockNumber,
    blockHash: event.block.hash,
    blockTimestamp: event.block.timestamp,
    transactionHash: event.transaction.hash,
    logIndex: event.log.logIndex,
    gasUsed: event.transactionReceipt.gasUsed,
  });

  await context.db
    .insert(publisher)
    .values({ chainId, publisher: event.args.publisher, head, anchorCount: 1n, blockNumber })
    .onConflictDoUpdate((before) => ({ head, anchorCount: before.anchorCount + 1n, blockNumber }));
});
