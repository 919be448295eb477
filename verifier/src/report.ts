import { printableLines } from "./printable.ts";
import { invalidReasons, uncheckedReasons, warnings } from "./reason.ts";
import { timeText } from "./timeText.ts";
import type { Check, ProvenOrigin, Statement, Verification } from "./verification.ts";
import type { HistoryVerification } from "./verifyHistory.ts";

const TEXT_CHARACTERS_MAX = 200;

/** What a check means, for people. */
export const checkTitles: Record<Check["name"], string> = {
  form: "The file is a receipt",
  record: "The receipt is of the consent record",
  disclosures: "What is disclosed stands in the record",
  created: "The record is not younger than its block",
  origin: "The receipt's issuer states that it recorded the consent",
  claims: "What is said in plain sight stands as far as it can be checked",
  jwtKey: "The JWT's key is the pinned one",
  pdfSignature: "The PDF is as its signer signed it",
  keyId: "The key id belongs to the key",
  signature: "The signature stands",
  pathLength: "The path has the length of the leaf's place",
  positions: "The path's sides fit the leaf's place",
  path: "The path leads to the Merkle root",
  key: "The key is the pinned one",
  publisher: "The publisher is the pinned one",
  contract: "The contract is the pinned one, or the one that this release knows",
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
  const lines = "records" in verification ? linesOfHistory(verification) : linesOfReceipt(verification);
  // The one place where text of a file or a node becomes lines: whatever it holds, it writes none of its own.
  return printableLines(lines);
}

function linesOfReceipt(verification: Verification): string[] {
  return [
    verdictLine(verification),
    "",
    ...verification.checks.flatMap(checkLines),
    ...noteLines(verification).map((note) => `note: ${note}`),
    ...disclosedLines(verification),
    ...notProvenLines(verification),
  ];
}

function linesOfHistory(history: HistoryVerification): string[] {
  return [
    historyVerdictLine(history),
    "",
    ...history.thread.flatMap(checkLines),
    `note: ${historyNote(history)}`,
    ...notProvenLines(history),
    ...history.records.flatMap((record, place) => ["", `Record ${place + 1}`, ...linesOfReceipt(record)]),
  ];
}

/** Notes beside the checks. */
export function noteLines({ warnings: known, pdfSigner }: Verification): string[] {
  const signer =
    pdfSigner === null
      ? []
      : [
          `The PDF's pages are as ${shortened(pdfSigner.subject)} signed them, by a certificate with the SHA-256 ${pdfSigner.certificateSha256}. Whose that is was not checked.`,
        ];
  return [...known.map((warning) => warnings[warning]), ...signer];
}

/** What the order of the records tells nothing of. */
export function historyNote({ statement, notPinned }: HistoryVerification): string {
  if (statement === null) return "Records that were left out after the last one would not show.";
  const asOf = timeText(statement.iat);
  return notPinned.includes("jwtKey")
    ? "Who states that these are all records was not checked: name the service's RSA key."
    : `These are all records until ${asOf}, by the statement of ${shortened(statement.iss)}.`;
}

/** The verdict on a history in one sentence. */
export function historyVerdictLine(history: HistoryVerification): string {
  const { verdict, reasons, records, notPinned } = history;
  if (verdict !== "valid") return notValidLine(verdict, reasons);
  const completeness = notPinned.includes("jwtKey")
    ? "each naming the one before it"
    : "of which none is missing";
  const [first] = records;
  const recorded = first?.origin ? ` ${originSentence(first.origin, notPinned)}` : "";
  return `VALID: a history of ${records.length}, ${completeness}${issuerClause(notPinned)}.${recorded}`;
}

/** The verdict in one sentence, or two of a consent: it says no more than was checked. */
export function verdictLine({ verdict, receipt, finality, reasons, ...beside }: Verification): string {
  if (verdict !== "valid" || receipt === null) return notValidLine(verdict, reasons);
  const { notPinned, origin, warnings: known } = beside;
  const anchored = `VALID: ${receipt.hash} was anchored on chain ${receipt.anchor.chainId} at ${timeText(receipt.anchor.blockTimestamp)} (${finality})`;
  const pages = known.includes("pagesNotCompared") ? " The PDF's pages were not compared." : "";
  const recorded = origin === null ? "" : ` ${originSentence(origin, notPinned)}`;
  return `${anchored}${issuerClause(notPinned)}.${recorded}${pages}`;
}

function notValidLine(verdict: Verification["verdict"], reasons: Verification["reasons"]): string {
  return `${verdict === "invalid" ? "INVALID" : "COULD NOT CHECK"}: ${reasons.join(", ")}`;
}

/** Anybody can sign a receipt with a key of their own. */
function issuerClause(notPinned: Verification["notPinned"]): string {
  return notPinned.includes("key") ? "; issuer unknown" : ", by the pinned issuer";
}

function originSentence(origin: ProvenOrigin, notPinned: Verification["notPinned"]): string {
  const who = notPinned.includes("key") ? "That unknown issuer" : "The issuer";
  const { kind, tenant, recordedAt } = origin;
  return `${who} states that it recorded this (${kind}) at ${recordedAt} for its customer ${shortened(tenant)}, ${domainClause(origin)}.`;
}

/** A customer may call any domain its own; only what the operator entered is the issuer's word. */
function domainClause({ site, siteBy }: ProvenOrigin): string {
  if (site === null) return "who named no domain";
  return siteBy === "operator"
    ? `to whom it has given the domain ${shortened(site)}`
    : `who calls the domain ${shortened(site)} its own, which nobody checked`;
}

/** Why a check has not passed, for people; null when it has. */
export function explanationOf(check: Check): string | null {
  if (check.outcome === "notPinned") return `${shortened(check.claimed)} is the receipt's own word.`;
  if (check.outcome === "failed" && check.reason === "notAReceipt") {
    return `${invalidReasons.notAReceipt} ${shortened(check.claimed)}: ${shortened(check.found)}.`;
  }
  if (check.outcome === "failed") {
    return `${invalidReasons[check.reason]} Receipt: ${shortened(check.claimed)}. Found: ${shortened(check.found)}.`;
  }
  if (check.outcome !== "unchecked") return null;
  const detail = check.detail === null ? "" : ` (${shortened(check.detail)})`;
  return `${uncheckedReasons[check.reason]}${detail}`;
}

function checkLines(check: Check): string[] {
  const explanation = explanationOf(check);
  const outcome = check.outcome === "notPinned" ? "not pinned" : check.outcome;
  const line = `  ${outcome.padEnd(10)}  ${checkTitles[check.name]}`;
  return explanation === null ? [line] : [line, `${" ".repeat(14)}${explanation}`];
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
  return shortened(`${name} = ${JSON.stringify(value)}`);
}

/** Text of a file or a node that would fill the screen, or push what follows into another line of it, says no more than its beginning. */
function shortened(given: string): string {
  const text = given.replace(/ {3,}/g, (blanks) => ` (${blanks.length} blanks) `);
  const characters = [...text];
  return characters.length <= TEXT_CHARACTERS_MAX
    ? text
    : `${characters.slice(0, TEXT_CHARACTERS_MAX).join("")}…`;
}
