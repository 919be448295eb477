import type { ConsentAction } from "./newConsent.ts";

/** Each surface's words for what somebody did, and what they come down to (protocol §7). */
export const ACTION_OF_LOG_DECISION = {
  accept: "grant",
  custom: "grant",
  reject: "decline",
  withdraw: "withdraw",
  dismiss: "none",
} as const satisfies Record<string, ConsentAction>;

export const ACTION_OF_PROOF_ACTION = {
  accept_all: "grant",
  custom_selection: "grant",
  reject_all: "decline",
  gpc_auto_applied: "decline",
  dismissed: "none",
} as const satisfies Record<string, ConsentAction>;

/** Signatu's true, false and null; a decline while a grant stands is recorded as its withdrawal. */
export function actionOfReceiptAction(action: boolean | null): ConsentAction {
  if (action === null) return "none";
  return action ? "grant" : "decline";
}

/** What a consent is recorded as, in a thread in which a grant stands or does not. */
export function recordedAction(
  { surface, action }: { surface: string; action: ConsentAction },
  grantStands: boolean,
): ConsentAction {
  return surface === "receipts" && action === "decline" && grantStands ? "withdraw" : action;
}

/** Whether a grant stands after an action; `none` leaves it as it was. */
export function grantStandsAfter(action: ConsentAction, stoodBefore: boolean): boolean {
  return action === "none" ? stoodBefore : action === "grant";
}
