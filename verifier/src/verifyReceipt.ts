import { type AnchorReceipt, parseReceipt } from "#protocol/receipt.ts";
import { checkChain } from "./checkChain.ts";
import { type ClaimedOrigin, checkOrigin, type OriginFindings } from "./checkOrigin.ts";
import { checkRecord, type DisclosedRecord, type RecordFindings } from "./checkRecord.ts";
import { checkStatement } from "./checkStatement.ts";
import { type Claim, checkClaims } from "./claims.ts";
import { claimsBeside } from "./consentFormats.ts";
import { type Demands, withDemands } from "./demands.ts";
import { checkJwt, type Jwt } from "./jwt.ts";
import { checkPdf, type PdfFacts } from "./pdfFacts.ts";
import { checkPins, normalizePins, type Pins } from "./pins.ts";
import { type Rpc, rpcOf } from "./rpc.ts";
import {
  type Check,
  conclude,
  type DisclosedField,
  failed,
  passed,
  unchecked,
  type Verification,
} from "./verification.ts";

export type VerifyReceiptInput = Demands & {
  /** Whatever JSON.parse made of a receipt's text; undefined for what is not anchored yet, which leaves it unchecked. */
  receipt: unknown;
  /** What was handed out of the consent record that the receipt is of, as JSON.parse made it. */
  record?: DisclosedRecord | undefined;
  /** The service's statement that it recorded the consent; of a record without one, the origin stays unchecked. */
  origin?: ClaimedOrigin | undefined;
  /** What is said of the consent in plain sight, as contentOfFile answers it; without `record` the receipt alone bears it out. */
  claims?: readonly Claim[] | undefined;
  /** The JWT that the receipt came in. */
  jwt?: Jwt | undefined;
  /** The PDF that it came in. */
  pdf?: PdfFacts | undefined;
  /** URL of an Ethereum JSON-RPC, or anything that carries out its calls. Nothing else is talked to. */
  rpc: string | Rpc;
  pins?: Pins;
  /** For each call, retries included. Default 10,000. */
  timeoutMs?: number;
};

/** For each call, unless the caller says otherwise. */
export const TIMEOUT_MS = 10_000;
/** A receipt may have further members, which nobody has signed. */
const RECEIPT_MEMBERS = [
  "@context",
  "hash",
  "merkleRoot",
  "proof",
  "anchor",
  "signature",
  "publicKey",
  "kid",
];

/**
 * Checks a receipt without its issuer: the path and its length, the signature, and over RPC the contract, the event, the
 * block and its finality; of a consent, that the record is the anchored one, that what was disclosed, and what is said in plain sight,
 * stands in it, and that the issuer states its origin. A node that fails or talks nonsense makes it `unchecked`, never `valid`.
 * @throws {InvalidPinError} when a pin is malformed; for anything in the receipt or from the node it answers.
 */
export async function verifyReceipt(input: VerifyReceiptInput): Promise<Verification> {
  const pins = normalizePins(input.pins ?? {});
  const jwtChecks = await checkJwt(input.jwt, pins.jwtKey, { signedAtS: signedAtS(input.jwt) });
  const pdf = checkPdf(input.pdf);
  const beside = [...jwtChecks, ...pdf.checks];
  if (input.receipt === undefined)
    return withoutReceipt([unchecked("form", "notAnchoredYet"), ...beside], input);
  const parsed = parseReceipt(input.receipt);
  if (!parsed.ok) {
    const form = failed("form", "notAReceipt", parsed.member ?? "a receipt", parsed.reason);
    return withoutReceipt([form, ...beside], input);
  }
  const { receipt } = parsed;
  const chain = await checkChain(receipt, rpcOf(input.rpc, input.timeoutMs ?? TIMEOUT_MS));
  const record = input.record === undefined ? null : checkRecord(input.record, receipt);
  const origin = originOf(input, receipt, record);
  const claims = checkClaims(claimsOf(input, receipt), receipt, provenFields(record));
  const statement = checkStatement(receipt);
  const checks = [
    passed("form"),
    ...(record?.checks ?? []),
    ...(origin === null ? [] : [origin.check]),
    ...(claims.check === null ? [] : [claims.check]),
    ...beside,
    ...statement.checks,
    ...checkPins(receipt, pins, chain.code),
    ...chain.checks,
  ];
  return conclude({
    receipt,
    checks: withDemands(checks, chain.finality, input),
    finality: chain.finality,
    warnings: [
      ...pdf.warnings,
      ...statement.warnings,
      ...new Set([...(record?.warnings ?? []), ...(origin?.warnings ?? [])]),
      ...chain.warnings,
    ],
    disclosed: record?.disclosed ?? null,
    origin: origin?.origin ?? null,
    pdfSigner: pdf.signer,
    notProven: claims.notProven,
  });
}

/** A receipt as JWT tells when its event was made; its key must not have been retired by then. */
function signedAtS(jwt: Jwt | undefined): number | undefined {
  const iat = jwt?.payload.iat;
  return typeof iat === "number" ? iat : undefined;
}

/**
 * Null for a hash alone. What speaks of a consent without its record gives nothing that a statement could be about; and of a record that
 * lost a check nothing is known.
 */
function originOf(
  input: VerifyReceiptInput,
  receipt: AnchorReceipt,
  record: RecordFindings | null,
): OriginFindings | null {
  const none = { origin: null, warnings: [] };
  if (record === null) return input.origin ? { check: unchecked("origin", "originMissing"), ...none } : null;
  const fields = provenFields(record);
  if (fields === null) return { check: unchecked("origin", "notReached"), ...none };
  const { origin = { statement: undefined } } = input;
  return checkOrigin(origin, receipt, new Map(fields.map(({ name, value }) => [name, value])));
}

/** Then nothing bears out anything of what is said. */
function withoutReceipt(checks: Check[], { claims = [] }: VerifyReceiptInput): Verification {
  const notProven = claims
    .filter(({ claimed }) => claimed !== undefined)
    .map(({ member, claimed }) => ({ name: member || "receipt", value: claimed }));
  return conclude({ receipt: null, checks, finality: null, warnings: [], notProven });
}

function claimsOf({ claims = [] }: VerifyReceiptInput, receipt: AnchorReceipt): Claim[] {
  return [...claims, ...claimsBeside(receipt, RECEIPT_MEMBERS, "receipt.")];
}

/** None without a record, and null when it lost a check: then nothing is known of it. */
function provenFields(record: RecordFindings | null): DisclosedField[] | null {
  if (record === null) return [];
  return record.checks.every(({ outcome }) => outcome === "passed") ? record.disclosed : null;
}
