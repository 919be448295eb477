import { parseReceipt } from "#protocol/receipt.ts";
import { checkChain } from "./checkChain.ts";
import { checkRecord, type DisclosedRecord } from "./checkRecord.ts";
import { checkStatement } from "./checkStatement.ts";
import { checkPins, normalizePins, type Pins } from "./pins.ts";
import { type Rpc, rpcOf } from "./rpc.ts";
import { conclude, failed, passed, type Verification } from "./verification.ts";

export type VerifyReceiptInput = {
  /** Whatever JSON.parse made of a receipt's text. */
  receipt: unknown;
  /** What was handed out of the consent record that the receipt is of, as JSON.parse made it. */
  record?: DisclosedRecord | undefined;
  /** URL of an Ethereum JSON-RPC, or anything that carries out its calls. Nothing else is talked to. */
  rpc: string | Rpc;
  pins?: Pins;
  /** For each call, retries included. Default 10,000. */
  timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;

/**
 * Checks a receipt without its issuer: the path and its length, the signature, and over RPC the contract, the event, the
 * block and its finality; of a consent, that the record is the anchored one and what was disclosed stands in it. A node that fails or talks nonsense makes it `unchecked`, never `valid`.
 * @throws {InvalidPinError} when a pin is malformed; for anything in the receipt or from the node it answers.
 */
export async function verifyReceipt(input: VerifyReceiptInput): Promise<Verification> {
  const pins = normalizePins(input.pins ?? {});
  const parsed = parseReceipt(input.receipt);
  if (!parsed.ok) {
    const form = failed("form", "notAReceipt", parsed.member ?? "a receipt", parsed.reason);
    return conclude({ receipt: null, checks: [form], finality: null, warnings: [] });
  }
  const { receipt } = parsed;
  const chain = await checkChain(receipt, rpcOf(input.rpc, input.timeoutMs ?? TIMEOUT_MS));
  const record = input.record === undefined ? null : checkRecord(input.record, receipt);
  const checks = [
    passed("form"),
    ...(record?.checks ?? []),
    ...checkStatement(receipt),
    ...checkPins(receipt, pins),
    ...chain.checks,
  ];
  return conclude({ ...chain, receipt, checks, disclosed: record?.disclosed ?? null });
}
