import { InvalidPinError, type Pins } from "../src/pins.ts";
import { printable } from "../src/printable.ts";
import type { Finality, Pin } from "../src/verification.ts";
import { verifyFile } from "../src/verifyFile.ts";
import { clearErrors, field, showError } from "./field.ts";
import { acceptDrops } from "./fileDrop.ts";
import { showVerification } from "./resultView.ts";

const PINS: readonly Pin[] = ["key", "publisher", "contract", "jwtKey"];

const form = document.querySelector("form")!;
const button = document.querySelector("button")!;
const progress = document.querySelector("#progress")!;
const result = document.querySelector<HTMLElement>("#result")!;
const file = field("file");
const text = field("text");
/** The check under way, until what it checks has changed. */
let checking: symbol | null = null;
/** The file that was chosen last: a large one may be read after a small one that came later. */
let chosenLast: File | null = null;
/** What is checked in place of the text field, which cannot show it: a PDF. */
let chosenBytes: Uint8Array | null = null;

acceptDrops(document.documentElement, useFile);
file.addEventListener("change", () => {
  const chosen = (file as HTMLInputElement).files?.[0];
  if (chosen !== undefined) void useFile(chosen);
});
form.addEventListener("input", dropResult);
text.addEventListener("input", () => {
  chosenBytes = null;
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (checking === null) void check();
});

/** Text is checked as it stands in the text field, so that people see it; anything else as the bytes that it is. */
async function useFile(chosen: File): Promise<void> {
  chosenLast = chosen;
  const bytes = new Uint8Array(await chosen.arrayBuffer());
  if (chosenLast !== chosen) return;
  const content = textIn(bytes);
  text.value = content ?? "";
  chosenBytes = content === null ? bytes : null;
  clearErrors();
  dropResult();
  const name = printable(chosen.name);
  progress.textContent = content === null ? `${name} is chosen.` : `${name} is in the text field.`;
}

/** Null for bytes that are not plain text. */
function textIn(bytes: Uint8Array): string | null {
  try {
    const content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return content.startsWith("%PDF-") || content.includes("\0") ? null : content;
  } catch {
    return null;
  }
}

/** A result stands for what is in the fields, and only as long as that is there. */
function dropResult(): void {
  result.hidden = true;
  setChecking(null);
}

async function check(): Promise<void> {
  clearErrors();
  dropResult();
  const bytes = chosenBytes ?? new TextEncoder().encode(text.value);
  if (chosenBytes === null && text.value.trim() === "")
    return showError("text", "Give a receipt: choose, drop or paste one.");
  const rpc = field("rpc").value.trim();
  if (!/^https?:$/.test(URL.parse(rpc)?.protocol ?? ""))
    return showError("rpc", "Give an http or https URL.");
  const mine = Symbol("check");
  setChecking(mine);
  try {
    const finality = field("finality").value as Finality;
    const verification = await verifyFile(bytes, { rpc, pins: readPins(), finality });
    if (checking === mine) showVerification(result, verification);
  } catch (error) {
    if (!(error instanceof InvalidPinError)) throw error;
    if (checking === mine) showError(error.pin, `The ${error.message}.`);
  } finally {
    if (checking === mine) setChecking(null);
  }
}

function readPins(): Pins {
  const values = PINS.map((pin) => [pin, field(pin).value.trim()] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

function setChecking(check: symbol | null): void {
  checking = check;
  // Not `disabled`, which would throw the keyboard's focus away.
  button.setAttribute("aria-disabled", String(check !== null));
  progress.textContent = check === null ? "" : "Checking…";
}
