import { createPublicClient, http } from "viem";
import { describe, expect, test } from "vitest";
import { anchorRegistryAddress } from "#scripts/deploy.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import type { Hex } from "./bytes.ts";
import { registryAddress, registryImmutables } from "./knownRegistry.ts";
import { isRegistryCode } from "./registryCode.ts";

test("the known registry's address is the one that deployments have", () => {
  expect(registryAddress).toBe(anchorRegistryAddress.toLowerCase());
});

const chains: [string, () => Promise<TestChain>][] = [
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
  ["a chain with another id", () => startAnvilChain({ chainId: 4_242 })],
];
describe.each(chains)("the known registry on %s", (_, startChain) => {
  test("is recognised by its code, and no code that differs in one bit is", async () => {
    const chain = await startChain();
    const { contract } = await startIssuer(chain);
    const client = createPublicClient({ transport: http(chain.rpcUrl) });
    const code = (await client.getCode({ address: contract }))!;
    await chain.stop();
    expect(isRegistryCode(code)).toBe(true);
    const immutable = new Set(
      registryImmutables.flatMap((start) => Array.from({ length: 32 }, (_, at) => start + at)),
    );
    for (const place of [0, 1, 1_000, 3_000, code.length / 2 - 2]) {
      expect(immutable.has(place)).toBe(false);
      expect(isRegistryCode(flipped(code, place))).toBe(false);
    }
    for (const other of ["0x", code.slice(0, -2), `${code}00`])
      expect(isRegistryCode(other as Hex)).toBe(false);
  });
});

function flipped(code: Hex, place: number): Hex {
  const at = 2 + 2 * place;
  const byte = Number.parseInt(code.slice(at, at + 2), 16) ^ 1;
  return `${code.slice(0, at)}${byte.toString(16).padStart(2, "0")}${code.slice(at + 2)}` as Hex;
}
