import type { AnchorReceipt } from "#protocol/receipt.ts";
import { invalidReasons, uncheckedReasons, warnings } from "./reason.ts";
import type { Check, Statement, Verification } from "./verification.ts";
import type { HistoryVerification } from "./verifyHistory.ts";

/** What a check means, for people. */
export const checkTitles: Record<Check["name"], string> = {
  form: "The file is a receipt",
  record: "The receipt is of the consent record",
  disclosures: "What is disclosed stands in the record",
  created: "The record is not younger than its block",
  claims: "What is said in plain sight stands as far as it can be checked",
  jwtKey: "The JWT's key is the pinned one",
  keyId: "The key id belongs to the key",
  signature: "The signature stands",
  pathLength: "The path has the length of the leaf's place",
  positions: "The path's sides fit the leaf's place",
  path: "The path leads to the Merkle root",
  key: "The key is the pinned one",
  publisher: "The publisher is the pinned one",
  contract: "The contract is the pinned one",
  chain: "The RPC serves the receipt's chain",
  anchor: "The contract holds the anchor",
  block: "The block is in the chain",
  event: "The anchor's event is in the block",
  finality: "The block's finality is known",
  start: "No record came before the first",
  links: "Each record names the one before it",
  thread: "All records are of one subject, issuer, target and scope",
  times: "No record was made before the one that it follows",
  statement: "The service states that these are all records",
};

/** A verification in lines of text: the verdict first, then each check, then what to know beside. */
export function reportOf(verification: Verification | HistoryVerification): string {
  return "records" in verification ? reportOfHistory(verification) : reportOfReceipt(verification);
}

function reportOfReceipt(verification: Verification): string {
  return [
    verdictLine(verification),
    "",
    ...verification.checks.map(checkLine),
    ...verification.warnings.map((warning) => `note: ${warnings[warning]}`),
    ...disclosedLines(verification),
    ...notProvenLines(verification),
    "",
  ].join("\n");
}

function reportOfHistory(history: HistoryVerification): string {
  return [
    historyVerdictLine(history),
    "",
    ...history.thread.map(checkLine),
    `note: ${historyNote(history)}`,
    ...notProvenLines(history),
    ...history.records.flatMap((record, place) => ["", `Record ${place + 1}`, reportOf(record).trimEnd()]),
    "",
  ].join("\n");
}

/** What the order of the records tells nothing of. */
export function historyNote({ statement, notPinned }: HistoryVerification): string {
  if (statement === null) return "Records that were left out after the last one would not show.";
  const asOf = new Date(statement.iat * 1_000).toISOString();
  return notPinned.includes("jwtKey")
    ? "Who states that these are all records was not checked: name the service's RSA key."
    : `These are all records until ${asOf}, by the statement of ${oneLine(statement.iss)}.`;
}

/** The verdict on a history in one sentence. */
export function historyVerdictLine(history: HistoryVerification): string {
  const { verdict, reasons, records, notPinned } = history;
  if (verdict !== "valid")
    return `${verdict === "invalid" ? "INVALID" : "COULD NOT CHECK"}: ${reasons.join(", ")}`;
  const completeness = notPinned.includes("jwtKey")
    ? "each naming the one before it"
    : "of which none is missing";
  return `VALID: a history of ${records.length}, ${completeness}.`;
}

/** The verdict in one sentence. */
export function verdictLine({ verdict, receipt, finality, reasons }: Verification): string {
  if (verdict === "valid" && receipt !== null) {
    return `VALID: ${receipt.hash} was anchored on chain ${receipt.anchor.chainId} at ${timeOf(receipt)} (${finality}).`;
  }
  const title = verdict === "invalid" ? "INVALID" : "COULD NOT CHECK";
  return `${title}: ${reasons.join(", ")}`;
}

/** Why a check has not passed, for people; null when it has. */
export function explanationOf(check: Check): string | null {
  if (check.outcome === "notPinned") return `${check.claimed} is the receipt's own word.`;
  if (check.outcome === "failed" && check.reason === "notAReceipt") {
    return `${invalidReasons.notAReceipt} ${check.claimed}: ${check.found}.`;
  }
  if (check.outcome === "failed") {
    return `${invalidReasons[check.reason]} Receipt: ${check.claimed}. Found: ${check.found}.`;
  }
  if (check.outcome !== "unchecked") return null;
  const detail = check.detail === null ? "" : ` (${oneLine(check.detail)})`;
  return `${uncheckedReasons[check.reason]}${detail}`;
}

function checkLine(check: Check): string {
  const explanation = explanationOf(check);
  const outcome = check.outcome === "notPinned" ? "not pinned" : check.outcome;
  const line = `  ${outcome.padEnd(10)}  ${checkTitles[check.name]}`;
  return explanation === null ? line : `${line}\n${" ".repeat(14)}${explanation}`;
}

/** Name and value of each field that the record is proven to hold. */
export function disclosedLines({ disclosed }: Verification): string[] {
  return (disclosed ?? []).map((field) => `disclosed: ${statementOf(field)}`);
}

/** Name and value of what the file says and nothing proves, so that it gets no credit from the verdict. */
export function notProvenLines({ notProven }: Pick<Verification, "notProven">): string[] {
  return notProven.map((statement) => `not proven, the file's own word: ${statementOf(statement)}`);
}

function statementOf({ name, value }: Statement): string {
  return oneLine(`${name} = ${JSON.stringify(value)}`);
}

function timeOf({ anchor }: AnchorReceipt): string {
  const time = new Date(anchor.blockTimestamp * 1000);
  return Number.isNaN(time.getTime()) ? `second ${anchor.blockTimestamp}` : time.toISOString();
}

/** A node's or a record's text must not be able to write lines of the report, nor turn around what stands in one. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").slice(0, 200);
}
