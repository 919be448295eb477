import { pino } from "pino";
import { parseEther, parseGwei, toHex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { createAnchorWriter } from "./anchorWriter.ts";
import { createChainReader } from "./chainReader.ts";
import { watchBalance } from "./watchBalance.ts";

let chain: TestChain;
beforeAll(async () => {
  chain = await startHardhatChain();
});
afterAll(() => chain.stop());

test("a balance that is running out is warned of before it is gone", async () => {
  const contractAddress = `0x${"c0".repeat(20)}` as const;
  const reader = createChainReader(
    { rpcUrl: chain.rpcUrl, contractAddress: Buffer.from(contractAddress.slice(2), "hex") },
    5_000,
  );
  const { privateKey, address } = chain.accounts[0]!;
  const writer = createAnchorWriter(reader, { chainId: chain.chainId, contractAddress, privateKey });
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const look = async (ether: string) => {
    const wei = toHex(parseEther(ether));
    await reader.client.request({ method: "hardhat_setBalance", params: [address, wei] } as never);
    return watchBalance({ chainId: chain.chainId, reader, writer, anchorsLeftMin: 1_000, logger });
  };
  expect(await look("1000")).toBeGreaterThan(1_000n);
  expect(lines).toEqual([]);
  const { maxFeeWei } = await writer.fees();
  expect(maxFeeWei).toBeLessThan(parseGwei("100"));
  expect(await look("0.000001")).toBeLessThan(1_000n);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 40,
    publisher: address.toLowerCase(),
    balanceEther: "0.000001",
    msg: "publisher's balance is low; fund it",
  });
});
