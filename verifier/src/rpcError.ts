/** The node behind the RPC gave no answer, or one that is not what was asked. */
export class RpcUnusableError extends Error {
  override readonly name: string = "RpcUnusableError";
}

/** An answer contradicts itself or another answer of the same node. */
export class RpcContradictoryError extends RpcUnusableError {
  override readonly name = "RpcContradictoryError";
}

/**
 * How much a refusal says. `answer`: the node answers what was asked. `internalError`: the node
 * failed, or answers in the wrong code. `failure`: a rate limit, an HTTP failure and the like,
 * which say nothing about what was asked.
 */
export type RefusalWeight = "answer" | "internalError" | "failure";

/** The node, or a provider before it, answered with a JSON-RPC error. `code` as in it. */
export class RpcRefusedError extends RpcUnusableError {
  override readonly name = "RpcRefusedError";
  readonly code: number;
  readonly weight: RefusalWeight;
  /** The EVM reverted the call. */
  readonly isRevert: boolean;
  /** The node lacks the block or its state: it may lag, or have pruned it. */
  readonly isNotThere: boolean;

  constructor(method: string, { code, httpStatus, text }: RpcRefusal, options?: ErrorOptions) {
    super(`${method}: ${text}`, options);
    this.code = code;
    this.weight = weightOf({ code, httpStatus, text });
    this.isRevert = this.weight !== "failure" && (code === REVERT_CODE || REVERT_TEXT.test(text));
    this.isNotThere = this.weight !== "failure" && !this.isRevert && NOT_THERE_TEXT.test(text);
  }
}

/** `httpStatus`: null when it was a success, or is not known. */
export type RpcRefusal = { code: number; httpStatus: number | null; text: string };

/**
 * The error that `request` threw, in our words. viem and EIP-1193 providers put JSON-RPC's code on the error
 * or on a cause of it. Any whole number may be one: nodes keep to no common list
 * (ethereum/execution-apis#879). Only a DOMException has numbers of its own, and viem's -1 says
 * "unknown".
 */
export function rpcErrorOf(method: string, error: unknown): RpcUnusableError {
  if (error instanceof RpcUnusableError) return error;
  const text = textOf(error);
  for (const one of causesOf(error)) {
    if (one instanceof DOMException || !("code" in one)) continue;
    const { code } = one;
    if (typeof code === "number" && Number.isInteger(code) && code !== -1)
      return new RpcRefusedError(method, { code, httpStatus: httpStatusOf(error), text }, { cause: error });
  }
  return new RpcUnusableError(`${method}: ${text}`, { cause: error });
}

/** JSON-RPC's code for a reverted call; some nodes say it in words only. */
const REVERT_CODE = 3;
const REVERT_TEXT = /^(Error: )?(execution reverted|VM Exception\b.*\brevert|(transaction )?reverted\b)/i;
/** Geth, Nethermind, reth, Besu, Erigon, anvil and Hardhat, in this order. */
const NOT_THERE_TEXT =
  /header not found|missing trie node|not (currently )?canonical|no state available|state\b.*\b(unavailable|not available|not found)|block\b.*\bnot (found|known)|(block ?hash|block) cannot be found|unknown block|resource not found|received invalid block tag/i;

/** ethereum/execution-apis: the node keeps no history as old as that. */
const PRUNED_CODE = 4444;
const INTERNAL_ERROR_CODE = -32603;
/** Limit exceeded by EIP-1474, and as QuickNode and Base number it. */
const LIMIT_CODES = new Set([-32005, -32007, -32016]);
/** Refused for who asks or how often, whatever was asked; 500 and above are failures. */
const FAILURE_STATUSES = new Set([401, 403, 408, 429]);
/** Providers word their limits alike, and give them codes as they please, -32000 among them. */
const LIMIT_TEXT = /rate.?limit|limit (reached|exceeded)|too many|quota|timed? ?out/i;
const INTERNAL_ERROR_TEXT = /internal (server )?error/i;

function weightOf({ code, httpStatus, text }: RpcRefusal): RefusalWeight {
  if (httpStatus !== null && (FAILURE_STATUSES.has(httpStatus) || httpStatus >= 500)) return "failure";
  // From 400 up codes are HTTP's (429) and, from 4001, a wallet's own.
  if ((code >= 400 && code !== PRUNED_CODE) || LIMIT_CODES.has(code) || LIMIT_TEXT.test(text))
    return "failure";
  return code === INTERNAL_ERROR_CODE || INTERNAL_ERROR_TEXT.test(text) ? "internalError" : "answer";
}

function httpStatusOf(error: unknown): number | null {
  for (const one of causesOf(error)) if ("status" in one && typeof one.status === "number") return one.status;
  return null;
}

/**
 * An error and what caused it; no longer than any chain of causes that somebody made on purpose.
 */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error && !causes.includes(one); one = one.cause) causes.push(one);
  return causes;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "details" in error && typeof error.details === "string" ? error.details : error.message;
}
