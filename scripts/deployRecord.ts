import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Address, type Hex, isAddress, isHash } from "viem";
import { DeployError } from "./deployError.ts";

/** Where the contract is on one chain: the content of `deployments/<chainId>.json`. */
export type DeploymentRecord = {
  chainId: number;
  address: Address;
  /** No event of the contract is in an earlier block. */
  startBlock: number;
  /** The transaction that created the contract; null when it is not known. */
  transactionHash: Hex | null;
  /** keccak256 of the creation bytecode that `address` follows from. */
  initCodeHash: Hex;
};

/**
 * The record of a chain, or null when there is none.
 * @throws {DeployError} `recordUnreadable` when the file is there and is not a record of that chain.
 */
export async function findDeploymentRecord(
  deploymentsDir: string,
  chainId: number,
): Promise<DeploymentRecord | null> {
  const file = recordFile(deploymentsDir, chainId);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  const record = parseRecord(text);
  if (record?.chainId === chainId) return record;
  throw new DeployError(
    "recordUnreadable",
    `${file} is not a record of chain ${chainId}. Delete it and deploy again.`,
  );
}

/** Writes the record so that a reader, or a crash, finds the old one or the new one and never a part of it. */
export async function writeDeploymentRecord(deploymentsDir: string, record: DeploymentRecord): Promise<void> {
  await mkdir(deploymentsDir, { recursive: true });
  const file = recordFile(deploymentsDir, record.chainId);
  const draft = `${file}.${process.pid}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { flush: true });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function recordFile(deploymentsDir: string, chainId: number): string {
  return path.join(deploymentsDir, `${chainId}.json`);
}

function parseRecord(text: string): DeploymentRecord | null {
  try {
    const { chainId, address, startBlock, transactionHash, initCodeHash } = JSON.parse(text);
    const isRecord =
      Number.isSafeInteger(chainId) &&
      Number.isSafeInteger(startBlock) &&
      startBlock >= 0 &&
      isAddress(address) &&
      (transactionHash === null || isHash(transactionHash)) &&
      isHash(initCodeHash);
    return isRecord ? { chainId, address, startBlock, transactionHash, initCodeHash } : null;
  } catch {
    return null;
  }
}
