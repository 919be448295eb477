import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  concatHex,
  createPublicClient,
  createTestClient,
  createWalletClient,
  custom,
  type Hex,
  http,
  keccak256,
  type PublicClient,
  parseGwei,
  RpcRequestError,
  stringToHex,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ChainAccount,
  startAnvilChain,
  startHardhatChain,
  type TestChain,
} from "#test/support/chains.ts";
import { anchorRegistryInitCode } from "../contracts/anchorRegistryInitCode.ts";
import { anchorRegistryAddress, deployAnchorRegistry } from "./deploy.ts";
import { deploymentProxy } from "./deployProxy.ts";

const keylessSigner = "0x3fAB184622Dc19b6109349B94811493BF2a45362";

let deploymentsDir: string;
beforeEach(async () => {
  deploymentsDir = await mkdtemp(path.join(tmpdir(), "deployments-"));
});
afterEach(() => rm(deploymentsDir, { recursive: true }));

function clientsOf(chain: Pick<TestChain, "rpcUrl" | "name">, privateKey: Hex) {
  const transport = http(chain.rpcUrl, { retryCount: 0 });
  return {
    publicClient: createPublicClient({ transport, pollingInterval: 20, cacheTime: 0 }),
    walletClient: createWalletClient({ transport, account: privateKeyToAccount(privateKey) }),
    testClient: createTestClient({ transport, mode: chain.name }),
  };
}

const recordOf = async (chainId: number) =>
  JSON.parse(await readFile(path.join(deploymentsDir, `${chainId}.json`), "utf8"));

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("on %s", (_name, start) => {
  let chain: TestChain;
  let clients: ReturnType<typeof clientsOf>;
  let emptyChain: Hex;

  beforeAll(async () => {
    chain = await start({ mining: "auto" });
    clients = clientsOf(chain, chain.accounts[0]!.privateKey);
  });
  afterAll(() => chain.stop());
  beforeEach(async () => {
    emptyChain = await clients.testClient.snapshot();
  });
  afterEach(() => clients.testClient.revert({ id: emptyChain }));

  const deploy = () => deployAnchorRegistry({ ...clients, deploymentsDir });

  async function expectCreatedAt(publicClient: PublicClient, startBlock: number) {
    const address = anchorRegistryAddress;
    const before = await publicClient.getCode({ address, blockNumber: BigInt(startBlock - 1) });
    const then = await publicClient.getCode({ address, blockNumber: BigInt(startBlock) });
    expect(before).toBeUndefined();
    expect(then).toBeDefined();
  }

  test("protocol §3: the address is the same on every chain", async () => {
    const record = await deploy();
    expect(record.address).toBe("0xC616FDb899f5E92CDd21773B82f9311e29c1Bef5");
    expect(record.chainId).toBe(chain.chainId);
    expect(record.initCodeHash).toBe(keccak256(anchorRegistryInitCode));
    await expectCreatedAt(clients.publicClient, record.startBlock);
    const receipt = await clients.publicClient.getTransactionReceipt({ hash: record.transactionHash! });
    expect(receipt.blockNumber).toBe(BigInt(record.startBlock));
    expect(await recordOf(chain.chainId)).toEqual(record);
    expect(await readdir(deploymentsDir)).toEqual([`${chain.chainId}.json`]);
  });

  test("a second run sends nothing and answers the same", async () => {
    const first = await deploy();
    const { address } = clients.walletClient.account;
    const sent = await clients.publicClient.getTransactionCount({ address });
    expect(await deploy()).toEqual(first);
    expect(await clients.publicClient.getTransactionCount({ address })).toBe(sent);
  });

  test("finds the block and the transaction when somebody else deployed it", async () => {
    const first = await deploy();
    await clients.testClient.mine({ blocks: 9 });
    await rm(path.join(deploymentsDir, `${chain.chainId}.json`));
    const penniless = clientsOf(chain, generatePrivateKey());
    expect(await deployAnchorRegistry({ ...penniless, deploymentsDir })).toEqual(first);
  });

  test("finds the block when a contract deployed it, which leaves no transaction of ours to name", async () => {
    const relay = "0x00000000000000000000000000000000000000aa";
    // Passes its calldata on to the deployment proxy.
    const bytecode = concatHex(["0x365f5f375f5f365f5f73", deploymentProxy, "0x5af100"]);
    await clients.testClient.setCode({ address: relay, bytecode });
    await clients.testClient.setCode({ address: deploymentProxy, bytecode: proxyCode });
    const data = concatHex([stringToHex("AnchorRegistry/1", { size: 32 }), anchorRegistryInitCode]);
    const hash = await clients.walletClient.sendTransaction({
      chain: null,
      to: relay,
      data,
      gas: 3_000_000n,
    });
    const receipt = await clients.publicClient.waitForTransactionReceipt({ hash });
    const record = await deploy();
    expect(record).toMatchObject({ startBlock: Number(receipt.blockNumber), transactionHash: null });
    expect(await deploy()).toEqual(record);
  });

  test("deploys again and rewrites the record after the chain was reset", async () => {
    const before = await deploy();
    await clients.testClient.revert({ id: emptyChain });
    emptyChain = await clients.testClient.snapshot();
    await clients.testClient.mine({ blocks: 5 });
    const after = await deploy();
    expect(after.startBlock).toBe(before.startBlock + 5);
    await expectCreatedAt(clients.publicClient, after.startBlock);
    expect(await recordOf(chain.chainId)).toEqual(after);
  });

  test("does not believe a record of before the reset when somebody else deployed since", async () => {
    await deploy();
    const outdated = await readFile(path.join(deploymentsDir, `${chain.chainId}.json`), "utf8");
    await clients.testClient.revert({ id: emptyChain });
    emptyChain = await clients.testClient.snapshot();
    const other = clientsOf(chain, chain.accounts[1]!.privateKey);
    const standing = await deployAnchorRegistry({ ...other, deploymentsDir });
    await writeFile(path.join(deploymentsDir, `${chain.chainId}.json`), outdated);
    expect(await deploy()).toEqual(standing);
    expect(await recordOf(chain.chainId)).toEqual(standing);
  });

  test("two who deploy at once, into the same block, end with one contract and one record", async () => {
    const slow = await start({ mining: { intervalMs: 300 } });
    const deployAs = ({ privateKey }: ChainAccount) =>
      deployAnchorRegistry({ ...clientsOf(slow, privateKey), deploymentsDir });
    const [first, second] = await Promise.all(slow.accounts.slice(0, 2).map(deployAs));
    expect(first).toEqual(second);
    await expectCreatedAt(clientsOf(slow, slow.accounts[0]!.privateKey).publicClient, first!.startBlock);
    await slow.stop();
  });

  test("a chain whose EVM cannot create the contract is named as the reason", async () => {
    await clients.testClient.setCode({ address: deploymentProxy, bytecode: "0x5f5ffd" });
    await expect(deploy()).rejects.toMatchObject({ code: "deploymentRefused" });
    expect(await readdir(deploymentsDir)).toEqual([]);
  });

  test("an account without funds is told so", async () => {
    const penniless = clientsOf(chain, generatePrivateKey());
    await expect(deployAnchorRegistry({ ...penniless, deploymentsDir })).rejects.toMatchObject({
      code: "insufficientFunds",
    });
    expect(await readdir(deploymentsDir)).toEqual([]);
  });

  test("a node that dropped the state of old blocks leads to block 0, and does not overrule a record", async () => {
    const known = await deploy();
    await clients.testClient.mine({ blocks: 3 });
    const latest = await clients.publicClient.getBlockNumber();
    const pruned = { ...clients, publicClient: withoutStateBefore(clients.publicClient, latest) };
    expect(await deployAnchorRegistry({ ...pruned, deploymentsDir })).toEqual(known);
    await rm(path.join(deploymentsDir, `${chain.chainId}.json`));
    const found = await deployAnchorRegistry({ ...pruned, deploymentsDir });
    expect(found).toMatchObject({ startBlock: 0, transactionHash: null });
  });
});

const proxyCode =
  "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";

/** As a full node that keeps no archive answers. */
function withoutStateBefore(client: PublicClient, firstBlock: bigint): PublicClient {
  const request = async ({ method, params }: { method: string; params: unknown[] }) => {
    const tag = params?.[1];
    if (
      method === "eth_getCode" &&
      typeof tag === "string" &&
      tag.startsWith("0x") &&
      BigInt(tag) < firstBlock
    ) {
      const error = { code: -32000, message: "missing trie node" };
      throw new RpcRequestError({ body: { method, params }, error, url: "" });
    }
    return client.request({ method, params } as never);
  };
  return createPublicClient({ transport: custom({ request }), cacheTime: 0 });
}

describe("what a person has to settle first", () => {
  let hardhat: TestChain;
  let anvil: TestChain;
  beforeAll(async () => {
    [hardhat, anvil] = await Promise.all([startHardhatChain(), startAnvilChain()]);
  });
  afterAll(() => Promise.all([hardhat.stop(), anvil.stop()]));

  test("a chain too expensive for the keyless transaction is refused before anything is paid", async () => {
    const clients = clientsOf(hardhat, hardhat.accounts[0]!.privateKey);
    const snapshot = await clients.testClient.snapshot();
    await clients.testClient.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei("101") });
    await clients.testClient.mine({ blocks: 1 });
    await expect(deployAnchorRegistry({ ...clients, deploymentsDir })).rejects.toMatchObject({
      code: "proxyRefused",
    });
    expect(await clients.publicClient.getBalance({ address: keylessSigner })).toBe(0n);
    await clients.testClient.revert({ id: snapshot });
  });

  test.each([
    "only replay-protected (EIP-155) transactions allowed over RPC",
    "unknown transaction type",
    "invalid nonce for this account type",
  ])(
    "a chain that answers %j to the keyless transaction is refused before anything is paid",
    async (message) => {
      const clients = clientsOf(hardhat, hardhat.accounts[0]!.privateKey);
      const request = async ({ method, params }: { method: string; params: unknown[] }) => {
        if (method !== "eth_sendRawTransaction")
          return clients.publicClient.request({ method, params } as never);
        const error = { code: -32000, message };
        throw new RpcRequestError({ body: { method, params }, error, url: "" });
      };
      const publicClient = createPublicClient({ transport: custom({ request }) });
      await expect(deployAnchorRegistry({ ...clients, publicClient, deploymentsDir })).rejects.toMatchObject({
        code: "proxyRefused",
      });
      expect(await clients.publicClient.getBalance({ address: keylessSigner })).toBe(0n);
    },
  );

  test("a wallet on another chain than the RPC", async () => {
    const clients = clientsOf(hardhat, hardhat.accounts[0]!.privateKey);
    const elsewhere = clientsOf(anvil, anvil.accounts[0]!.privateKey);
    await elsewhere.testClient.request({ method: "anvil_setChainId", params: [4242] } as never);
    const { walletClient } = elsewhere;
    await expect(deployAnchorRegistry({ ...clients, walletClient, deploymentsDir })).rejects.toMatchObject({
      code: "chainMismatch",
    });
  });

  test("an RPC that does not answer", async () => {
    const gone = clientsOf({ name: "anvil", rpcUrl: "http://127.0.0.1:1" }, generatePrivateKey());
    await expect(deployAnchorRegistry({ ...gone, deploymentsDir })).rejects.toMatchObject({
      code: "rpcUnreachable",
    });
  });

  test.each(["", "{", "[]", '{"chainId":31337}', '{"chainId":1}'])("a record that reads %j", async (text) => {
    const clients = clientsOf(hardhat, hardhat.accounts[0]!.privateKey);
    await writeFile(path.join(deploymentsDir, "31337.json"), text);
    await expect(deployAnchorRegistry({ ...clients, deploymentsDir })).rejects.toMatchObject({
      code: "recordUnreadable",
    });
  });
});
