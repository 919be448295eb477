import type { Logger } from "pino";
import { formatEther, type Hex } from "viem";
import type { Fees } from "./anchorWriter.ts";
import type { ChainReader } from "./chainReader.ts";

/** What one anchor costs in the steady state (`.gas-snapshot`), rounded up; gas. */
const GAS_PER_ANCHOR = 60_000n;

export type BalanceWatch = {
  chainId: number;
  reader: ChainReader;
  writer: { publisher: Hex; fees(): Promise<Fees> };
  /** Below what this many anchors cost at the present fee the log warns. */
  anchorsLeftMin: number;
  logger: Logger;
};

/** Anchors that the publisher can still pay for at the present fee. Warns before it runs out: then nothing is anchored any more. */
export async function watchBalance(watch: BalanceWatch): Promise<bigint> {
  const { chainId, reader, writer, anchorsLeftMin, logger } = watch;
  const [balanceWei, { maxFeeWei }] = await Promise.all([
    reader.client.getBalance({ address: writer.publisher }),
    writer.fees(),
  ]);
  const costWei = GAS_PER_ANCHOR * maxFeeWei;
  const anchorsLeft = costWei === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : balanceWei / costWei;
  if (anchorsLeft < BigInt(anchorsLeftMin))
    logger.warn(
      {
        chainId,
        publisher: writer.publisher,
        balanceEther: formatEther(balanceWei),
        anchorsLeft: Number(anchorsLeft),
      },
      "publisher's balance is low; fund it",
    );
  return anchorsLeft;
}
