import { InvalidPinError, type Pins } from "../src/pins.ts";
import { receiptInFile } from "../src/receiptFile.ts";
import type { Pin } from "../src/verification.ts";
import { verifyReceipt } from "../src/verifyReceipt.ts";
import { clearErrors, field, showError } from "./field.ts";
import { acceptDrops } from "./fileDrop.ts";
import { showVerification } from "./resultView.ts";

const PINS: readonly Pin[] = ["key", "publisher", "contract"];

const form = document.querySelector("form")!;
const button = document.querySelector("button")!;
const progress = document.querySelector("#progress")!;
const result = document.querySelector<HTMLElement>("#result")!;
const file = field("file");
const text = field("text");
let isBusy = false;

acceptDrops(document.documentElement, useFile);
file.addEventListener("change", () => {
  const chosen = (file as HTMLInputElement).files?.[0];
  if (chosen !== undefined) void useFile(chosen);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isBusy) void check();
});

/** What is checked is what stands in the text field, so that people see it. */
async function useFile(chosen: File): Promise<void> {
  text.value = await chosen.text();
  clearErrors();
  result.hidden = true;
  progress.textContent = `${chosen.name} is in the text field.`;
}

async function check(): Promise<void> {
  clearErrors();
  result.hidden = true;
  if (text.value.trim() === "") return showError("text", "Give a receipt: choose, drop or paste one.");
  const rpc = field("rpc").value.trim();
  if (!/^https?:$/.test(URL.parse(rpc)?.protocol ?? ""))
    return showError("rpc", "Give an http or https URL.");
  setBusy(true);
  try {
    const receipt = receiptInFile(new TextEncoder().encode(text.value));
    showVerification(result, await verifyReceipt({ receipt, rpc, pins: readPins() }));
  } catch (error) {
    if (!(error instanceof InvalidPinError)) throw error;
    showError(error.pin, `The ${error.message}.`);
  } finally {
    setBusy(false);
  }
}

function readPins(): Pins {
  const values = PINS.map((pin) => [pin, field(pin).value.trim()] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

function setBusy(busy: boolean): void {
  isBusy = busy;
  // Not `disabled`, which would throw the keyboard's focus away.
  button.setAttribute("aria-disabled", String(busy));
  progress.textContent = busy ? "Checking…" : "";
}
