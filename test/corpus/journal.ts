import {
  concatHex,
  encodeFunctionData,
  getCreate2Address,
  type Hex,
  keccak256,
  parseGwei,
  slice,
  stringToHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { bytesToHex } from "#protocol/bytes.ts";
import { registryAddress } from "#protocol/knownRegistry.ts";
import { creationInput } from "#scripts/deploy.ts";
import { deploymentProxy, keylessCostWei, keylessSigner, keylessTransaction } from "#scripts/deployProxy.ts";
import { developmentAccounts } from "#test/support/chains.ts";
import type { ChainJournal } from "#test/support/replayedChain.ts";
import { anchorRegistryInitCode } from "../../contracts/anchorRegistryInitCode.ts";
import { BATCHES, type Batch } from "./batches.ts";

const INITIAL_DATE_S = Date.parse("2026-03-02T00:00:00Z") / 1_000;
const FIRST_ANCHOR_S = INITIAL_DATE_S + 1_800;
const BLOCK_S = 12;
const BLOCKS_AFTER = 5;
export const CHAIN_ID = 31_337;
/** Fixed fees, so that no block says what it costs. */
const FEES = {
  maxFeePerGas: parseGwei("200"),
  maxPriorityFeePerGas: parseGwei("1"),
  type: "eip1559",
} as const;

const COPY_SALT = stringToHex("A second copy", { size: 32 });
/** A registry with the same code elsewhere, which no release knows. */
const COPY_ADDRESS = getCreate2Address({
  from: deploymentProxy,
  salt: COPY_SALT,
  bytecodeHash: keccak256(anchorRegistryInitCode),
}).toLowerCase() as Hex;

export const CONTRACTS = { registry: registryAddress, copy: COPY_ADDRESS } as const;
const DEPLOYER = accountOf(0);
export const PUBLISHERS = { service: accountOf(1), forger: accountOf(2) } as const;

/** The chain behind the corpus. `txHashOf`: the transaction that anchors a batch, by its name. */
export async function makeJournal(): Promise<{ journal: ChainJournal; txHashOf: Map<string, Hex> }> {
  const signer = transactionSigner();
  const deployer = (to: Hex, more: { data?: Hex; value?: bigint }) => signer(DEPLOYER, { to, ...more });
  const setUp = [
    await deployer(keylessSigner, { value: keylessCostWei }),
    keylessTransaction as Hex,
    await deployer(deploymentProxy, { data: creationInput }),
    await deployer(deploymentProxy, { data: concatHex([COPY_SALT, slice(creationInput, 32)]) }),
  ];
  const blocks = setUp.map((transaction, place) => ({
    timestamp: INITIAL_DATE_S + (place + 1) * BLOCK_S,
    transactions: [transaction],
  }));
  const txHashOf = new Map<string, Hex>();
  for (const [place, calls] of BATCHES.entries()) {
    const transactions: Hex[] = [];
    for (const { by, contract, batches } of calls) {
      const data = anchoringCall(batches);
      const transaction = await signer(PUBLISHERS[by], { to: CONTRACTS[contract], data });
      for (const { name } of batches) txHashOf.set(name, keccak256(transaction));
      transactions.push(transaction);
    }
    blocks.push({ timestamp: FIRST_ANCHOR_S + place * BLOCK_S, transactions });
  }
  const { timestamp } = blocks.at(-1)!;
  // The first of them is in the second of the last anchors: a block that looks like theirs.
  for (let after = 0; after < BLOCKS_AFTER; after++)
    blocks.push({ timestamp: timestamp + after * BLOCK_S, transactions: [] });
  return { journal: { initialDate: INITIAL_DATE_S, hardfork: "osaka", blocks }, txHashOf };
}

function anchoringCall(batches: readonly Batch[]): Hex {
  const roots = batches.map(({ tree }) => ({ root: bytesToHex(tree.root), leafCount: tree.leafCount }));
  const [only, ...more] = roots;
  return more.length === 0
    ? encodeFunctionData({
        abi: anchorRegistryAbi,
        functionName: "anchor",
        args: [only!.root, only!.leafCount],
      })
    : encodeFunctionData({ abi: anchorRegistryAbi, functionName: "anchorMany", args: [roots] });
}

type Account = ReturnType<typeof accountOf>;

function accountOf(index: number) {
  return privateKeyToAccount(developmentAccounts()[index]!.privateKey);
}

/** Signs each account's transactions in their order. */
function transactionSigner() {
  const nonces = new Map<Hex, number>();
  return (account: Account, call: { to: Hex; data?: Hex; value?: bigint }): Promise<Hex> => {
    const nonce = nonces.get(account.address) ?? 0;
    nonces.set(account.address, nonce + 1);
    return account.signTransaction({ chainId: CHAIN_ID, nonce, gas: 3_000_000n, ...FEES, ...call });
  };
}
