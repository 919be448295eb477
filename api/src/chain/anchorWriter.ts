import { BaseError, ContractFunctionRevertedError, encodeFunctionData, type Hex, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import type { ChainReader } from "./chainReader.ts";

export type Root = { root: Hex; leafCount: number };

/** EIP-1559 fees; wei per gas. */
export type Fees = { maxFeeWei: bigint; maxPriorityFeeWei: bigint };

export type SignedTransaction = { txHash: Hex; rawTransaction: Hex; nonce: number; fees: Fees };

export type TransactionOutcome = "unmined" | "succeeded" | "reverted";

/** The contract holds this root with another leafCount, so it refuses it for good. */
export class RootTakenError extends Error {
  override name = "RootTakenError";
  readonly root: Hex;
  constructor(root: Hex) {
    super(`the root ${root} is anchored with another leafCount`);
    this.root = root;
  }
}

/** A node takes a replacement only when both fees rise by at least 10 %; a quarter is clear of that and gets through sooner. */
const FEE_RISE_PERCENT = 125n;
/** A chain that mines nothing for hours must not drive the fee up without end. */
const FEE_CEILING_FACTOR = 10n;
const GAS_MARGIN_PERCENT = 120n;

/** The only wallet: signs for the publisher and sends. */
export type AnchorWriter = ReturnType<typeof createAnchorWriter>;

export function createAnchorWriter(
  { client }: ChainReader,
  { chainId, contractAddress, privateKey }: { chainId: number; contractAddress: Hex; privateKey: Hex },
) {
  const account = privateKeyToAccount(privateKey);

  return {
    publisher: account.address.toLowerCase() as Hex,

    /** Nonce of the publisher's next transaction, by what is mined. */
    minedNonce: () => client.getTransactionCount({ address: account.address, blockTag: "latest" }),

    /** Fees that the chain asks for now. */
    async fees(): Promise<Fees> {
      const now = await client.estimateFeesPerGas();
      return { maxFeeWei: now.maxFeePerGas, maxPriorityFeeWei: larger(now.maxPriorityFeePerGas, 1n) };
    },

    /**
     * Fees for now that are high enough for nodes to take the transaction in place of one with the `replaced` ones.
     * Null when those offer so much already that it is not the fee that keeps the transaction from being mined.
     */
    async raisedFees(replaced: Fees): Promise<Fees | null> {
      const now = await this.fees();
      const ceilingWei = now.maxFeeWei * FEE_CEILING_FACTOR;
      const maxFeeWei = larger(now.maxFeeWei, rise(replaced.maxFeeWei));
      const maxPriorityFeeWei = larger(now.maxPriorityFeeWei, rise(replaced.maxPriorityFeeWei));
      return larger(maxFeeWei, maxPriorityFeeWei) > ceilingWei ? null : { maxFeeWei, maxPriorityFeeWei };
    },

    /**
     * Signs a transaction that anchors the roots, in their order.
     * @throws {RootTakenError} when the contract would refuse one of them.
     */
    async sign(roots: Root[], nonce: number, fees: Fees): Promise<SignedTransaction> {
      const gas = await estimateGas(roots);
      const rawTransaction = await account.signTransaction({
        type: "eip1559",
        chainId,
        to: contractAddress,
        data: callData(roots),
        nonce,
        gas: (gas * GAS_MARGIN_PERCENT) / 100n,
        maxFeePerGas: larger(fees.maxFeeWei, fees.maxPriorityFeeWei),
        maxPriorityFeePerGas: fees.maxPriorityFeeWei,
      });
      return { txHash: keccak256(rawTransaction), rawTransaction, nonce, fees };
    },

    /** Hands the bytes to the node. A node that has them already is content. */
    async send(rawTransaction: Hex): Promise<"sent" | "underpriced"> {
      try {
        await client.sendRawTransaction({ serializedTransaction: rawTransaction });
        return "sent";
      } catch (error) {
        const text = error instanceof BaseError ? `${error.message} ${error.details}` : String(error);
        if (/already known|already imported|known transaction|already exists/i.test(text)) return "sent";
        if (/underpriced|fee too low|less than block base fee|max fee per gas less/i.test(text))
          return "underpriced";
        throw error;
      }
    },

    async outcomeOf(txHash: Hex): Promise<TransactionOutcome> {
      // The raw call: viem's own takes "no receipt" for an error, and that error for many things.
      const receipt = await client.request({ method: "eth_getTransactionReceipt", params: [txHash] });
      if (receipt === null) return "unmined";
      return receipt.status === "0x1" ? "succeeded" : "reverted";
    },
  };

  async function estimateGas(roots: Root[]): Promise<bigint> {
    try {
      const common = { address: contractAddress, abi: anchorRegistryAbi, account: account.address } as const;
      return roots.length === 1
        ? await client.estimateContractGas({
            ...common,
            functionName: "anchor",
            args: [roots[0]!.root, roots[0]!.leafCount],
          })
        : await client.estimateContractGas({ ...common, functionName: "anchorMany", args: [roots] });
    } catch (error) {
      const reverted =
        error instanceof BaseError
          ? error.walk((cause) => cause instanceof ContractFunctionRevertedError)
          : null;
      if (reverted instanceof ContractFunctionRevertedError && reverted.data?.errorName === "AnchorMismatch")
        throw new RootTakenError(reverted.data.args![0] as Hex);
      throw error;
    }
  }
}

function callData(roots: Root[]): Hex {
  return roots.length === 1
    ? encodeFunctionData({
        abi: anchorRegistryAbi,
        functionName: "anchor",
        args: [roots[0]!.root, roots[0]!.leafCount],
      })
    : encodeFunctionData({ abi: anchorRegistryAbi, functionName: "anchorMany", args: [roots] });
}

function rise(feeWei: bigint): bigint {
  return (feeWei * FEE_RISE_PERCENT + 99n) / 100n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
