import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createPublicClient, http } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAnvilChain, startHardhatChain, type TestChain } from "./chains.ts";

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("%s", (_name, start) => {
  let chain: TestChain;
  beforeAll(async () => {
    chain = await start({ mining: { intervalMs: 100 } });
  });
  afterAll(() => chain.stop());

  test("its accounts hold ether, and its blocks come by themselves", async () => {
    const client = createPublicClient({ transport: http(chain.rpcUrl), pollingInterval: 50 });
    expect(await client.getChainId()).toBe(chain.chainId);
    for (const { address, privateKey } of chain.accounts) {
      expect(privateKeyToAddress(privateKey)).toBe(address);
      expect(await client.getBalance({ address })).toBe(10_000n * 10n ** 18n);
    }
    await expect.poll(() => client.getBlockNumber({ cacheTime: 0 }), { timeout: 20_000 }).toBeGreaterThan(2n);
  });

  test("mines nothing unasked when mining is manual, and cannot be reached once stopped", async () => {
    const manual = await start({ mining: "manual" });
    const client = createPublicClient({ transport: http(manual.rpcUrl, { retryCount: 0 }) });
    const before = await client.getBlockNumber({ cacheTime: 0 });
    await client.request({ method: "evm_mine" as never });
    expect(await client.getBlockNumber({ cacheTime: 0 })).toBe(before + 1n);
    await manual.stop();
    await expect(client.getBlockNumber({ cacheTime: 0 })).rejects.toThrow();
  });

  test("ends when the process that started it is killed", async () => {
    const source = `import { ${start.name} } from "#test/support/chains.ts"; console.log((await ${start.name}()).rpcUrl);`;
    const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: parent.stdout });
    const { value: rpcUrl } = await lines[Symbol.asyncIterator]().next();
    const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 0 }) });
    expect(await client.getChainId()).toBe(chain.chainId);
    parent.kill("SIGKILL");
    const isReachable = () =>
      client.getChainId().then(
        () => true,
        () => false,
      );
    await expect.poll(isReachable, { timeout: 20_000 }).toBe(false);
  });
});
