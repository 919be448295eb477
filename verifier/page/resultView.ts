import { printable } from "../src/printable.ts";
import {
  checkTitles,
  disclosedLines,
  explanationOf,
  historyNote,
  historyVerdictLine,
  noteLines,
  notProvenLines,
  verdictLine,
} from "../src/report.ts";
import type { Check, Verification } from "../src/verification.ts";
import type { HistoryVerification } from "../src/verifyHistory.ts";

const OUTCOMES: Record<Check["outcome"], string> = {
  passed: "passed",
  failed: "failed",
  unchecked: "unchecked",
  notPinned: "not pinned",
};

/** Shows verdict, every check and the notes in `section`, and takes the keyboard and the reader there. */
export function showVerification(
  section: HTMLElement,
  verification: Verification | HistoryVerification,
): void {
  const isHistory = "records" in verification;
  const line = isHistory ? historyVerdictLine(verification) : verdictLine(verification);
  const heading = element("h2", line, verification.verdict);
  heading.id = "verdict";
  heading.tabIndex = -1;
  section.replaceChildren(heading, ...(isHistory ? historyParts(verification) : receiptParts(verification)));
  section.hidden = false;
  heading.focus();
}

function historyParts(history: HistoryVerification): HTMLElement[] {
  const { thread, records } = history;
  const parts = records.flatMap((record, place) => [
    element("h3", `Record ${place + 1}: ${verdictLine(record)}`, record.verdict),
    ...receiptParts(record),
  ]);
  return [
    checkList(thread),
    element("p", historyNote(history), "hint"),
    ...notProvenParts(history),
    ...parts,
  ];
}

function receiptParts(verification: Verification): HTMLElement[] {
  const notes = noteLines(verification).map((line) => element("p", line, "hint"));
  const disclosed = disclosedLines(verification).map((line) => element("p", line, "disclosed"));
  return [checkList(verification.checks), ...notes, ...disclosed, ...notProvenParts(verification)];
}

function notProvenParts(verification: Pick<Verification, "notProven">): HTMLElement[] {
  return notProvenLines(verification).map((line) => element("p", line, "not-proven"));
}

function checkList(checks: readonly Check[]): HTMLElement {
  const list = document.createElement("ul");
  list.append(...checks.map(checkItem));
  return list;
}

function checkItem(check: Check): HTMLElement {
  const item = document.createElement("li");
  item.dataset.check = check.name;
  item.dataset.outcome = check.outcome;
  const outcome = element("strong", OUTCOMES[check.outcome], check.outcome);
  item.append(outcome, element("span", checkTitles[check.name]));
  const explanation = explanationOf(check);
  if (explanation !== null) item.append(element("span", explanation, "explanation"));
  return item;
}

/** Texts only ever become text that reads in one direction: a receipt or a node must not be able to write into the page. */
function element(tag: string, text: string, className = ""): HTMLElement {
  const created = document.createElement(tag);
  created.textContent = printable(text);
  created.className = className;
  return created;
}
