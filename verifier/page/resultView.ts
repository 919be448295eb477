import { warnings } from "../src/reason.ts";
import { checkTitles, disclosedLines, explanationOf, verdictLine } from "../src/report.ts";
import type { Check, Verification } from "../src/verification.ts";

const OUTCOMES: Record<Check["outcome"], string> = {
  passed: "passed",
  failed: "failed",
  unchecked: "unchecked",
  notPinned: "not pinned",
};

/** Shows verdict, every check and the notes in `section`, and takes the keyboard and the reader there. */
export function showVerification(section: HTMLElement, verification: Verification): void {
  const heading = element("h2", verdictLine(verification), verification.verdict);
  heading.id = "verdict";
  heading.tabIndex = -1;
  const list = document.createElement("ul");
  list.append(...verification.checks.map(checkItem));
  const notes = verification.warnings.map((warning) => element("p", warnings[warning], "hint"));
  const disclosed = disclosedLines(verification).map((line) => element("p", line, "disclosed"));
  section.replaceChildren(heading, list, ...notes, ...disclosed);
  section.hidden = false;
  heading.focus();
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

/** Texts only ever become text: a receipt or a node must not be able to write into the page. */
function element(tag: string, text: string, className = ""): HTMLElement {
  const created = document.createElement(tag);
  created.textContent = text;
  created.className = className;
  return created;
}
