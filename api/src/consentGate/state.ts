import { GateError, type Refusal } from "./gateError.ts";

export type VerificationState = "created" | "consented" | "submitted" | "erased";
/** What somebody asks of a verification. */
export type VerificationMove = "acceptConsent" | "addMedia" | "submit";

/** Every legal move and the state that it leads to; of the others, why they are refused. An erasure leads from each to `erased`. */
const MOVES: Record<VerificationState, Record<VerificationMove, VerificationState | Refusal>> = {
  created: {
    acceptConsent: "consented",
    addMedia: "CONSENT_REQUIRED",
    submit: "CONSENT_REQUIRED",
  },
  consented: { acceptConsent: "consented", addMedia: "consented", submit: "submitted" },
  submitted: {
    acceptConsent: "submitted",
    addMedia: "VERIFICATION_SUBMITTED",
    submit: "submitted",
  },
  erased: {
    acceptConsent: "VERIFICATION_ERASED",
    addMedia: "VERIFICATION_ERASED",
    submit: "VERIFICATION_ERASED",
  },
};

/** The state after a move. @throws {GateError} for a move that is not legal. */
export function stateAfter(state: VerificationState, move: VerificationMove): VerificationState {
  const next = MOVES[state][move];
  if (Object.hasOwn(MOVES, next)) return next as VerificationState;
  throw new GateError(next as Refusal);
}
