import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { ConsentEvent } from "../event.ts";

/** An event and, once it is anchored, what proves it. `sd`: digests of all disclosures. */
export type EventProof = {
  event: ConsentEvent;
  anchored: { receipt: AnchorReceipt; disclosures: string[]; sd: string[] } | null;
};
