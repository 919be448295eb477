import { BaseError, InsufficientFundsError } from "viem";

/** Why a deployment stopped; the message says what to do about it. */
export type DeployErrorCode =
  | "rpcUnreachable"
  | "chainMismatch"
  | "insufficientFunds"
  | "proxyRefused"
  | "deploymentRefused"
  | "recordUnreadable";

/** A deployment stopped for a reason that the person who runs it can remove; running it again is always safe. */
export class DeployError extends Error {
  override readonly name = "DeployError";
  readonly code: DeployErrorCode;

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

// Nodes word this in their own ways, and viem knows only some of them.
export function isLackOfFunds(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  const isKnownKind = error.walk((cause) => cause instanceof InsufficientFundsError) !== null;
  return isKnownKind || /\bfunds\b|insufficient balance/i.test(error.details ?? "");
}
