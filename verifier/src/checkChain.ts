import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type ChainFacts, factOf, known, readChainFacts } from "./chainFacts.ts";
import { readChainId } from "./chainReader.ts";
import { type ChainJudgement, judgeChain, stopAfter, uncheckedBy } from "./judgeChain.ts";
import { pause } from "./pause.ts";
import type { InvalidReason, UncheckedReason } from "./reason.ts";
import type { Rpc } from "./rpc.ts";
import { RpcUnusableError } from "./rpcError.ts";
import { type Check, passed, unchecked } from "./verification.ts";

/**
 * Whether the code at the contract's address is this release's registry; `unknown` when that could
 * not be asked, or there is none.
 */
export type ContractCode = "known" | "other" | "unknown";
export type ChainFindings = ChainJudgement & { code: ContractCode };

const AGAIN_AFTER_MS = 200;
/**
 * These rest on an answer that a node may give by mistake: it contradicts itself, or lacks what it
 * should have.
 */
const ASKED_AGAIN: ReadonlySet<InvalidReason | UncheckedReason> = new Set([
  "rpcContradictory",
  "eventNotServed",
  "contractNotFound",
  "notAnchored",
]);

/**
 * Facts that only the chain can tell: that the root is anchored as, when and where the receipt says, and
 * how final that is.
 */
export async function checkChain(receipt: AnchorReceipt, rpc: Rpc): Promise<ChainFindings> {
  const findings = await askOnce(receipt, rpc);
  if (!findings.checks.some((check) => "reason" in check && ASKED_AGAIN.has(check.reason))) return findings;
  await pause(AGAIN_AFTER_MS);
  rpc.forget?.();
  return askOnce(receipt, rpc);
}

async function askOnce(receipt: AnchorReceipt, rpc: Rpc): Promise<ChainFindings> {
  const chain = await checkChainId(receipt, rpc);
  if (chain.outcome !== "passed")
    return { ...stopAfter([chain], ["anchor", "block", "event", "finality"]), code: "unknown" };
  const facts = await factOf(readChainFacts(receipt, rpc));
  if (facts instanceof RpcUnusableError) {
    const anchor = uncheckedBy("anchor", facts);
    return { ...stopAfter([chain, anchor], ["block", "event", "finality"]), code: "unknown" };
  }
  const { checks, ...judgement } = judgeChain(receipt, facts);
  return { ...judgement, checks: [chain, ...checks], code: codeOf(facts, checks) };
}

/** An RPC of another chain shows nothing about the receipt. */
async function checkChainId({ anchor }: AnchorReceipt, rpc: Rpc): Promise<Check> {
  const chainId = await factOf(readChainId(rpc));
  if (chainId instanceof RpcUnusableError) return uncheckedBy("chain", chainId);
  if (chainId === BigInt(anchor.chainId)) return passed("chain");
  return unchecked("chain", "chainIdMismatch", `it serves chain ${chainId}`);
}

function codeOf(facts: ChainFacts, checks: readonly Check[]): ContractCode {
  const code = known(facts.code) ?? "none";
  return code === "none" || checks.some(isContradictory) ? "unknown" : code;
}

function isContradictory(check: Check): boolean {
  return check.outcome === "unchecked" && check.reason === "rpcContradictory";
}
