import type { consentHolds } from "../db/consentHolds.ts";
import { consentToken } from "./consentToken.ts";

/** `consentToken` is null for a hold on a person, whose name is not kept. */
export type HoldAnswer = {
  id: string;
  consentToken: string | null;
  reason: string;
  placedAt: Date;
  releasedAt: Date | null;
  releaseReason: string | null;
};

type Row = Omit<typeof consentHolds.$inferSelect, "tenantId" | "personDigest">;

export function toHoldAnswer({ consentId, ...hold }: Row): HoldAnswer {
  return {
    id: hold.id,
    consentToken: consentId && consentToken(consentId),
    reason: hold.reason,
    placedAt: hold.placedAt,
    releasedAt: hold.releasedAt,
    releaseReason: hold.releaseReason,
  };
}
