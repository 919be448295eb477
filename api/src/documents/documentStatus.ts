/** A version is written, then shown, then replaced by another; what was retired stays so, since records point to the time it was shown. */
export const DOCUMENT_STATUSES = ["draft", "active", "retired"] as const;
export type DocumentStatus = (typeof DOCUMENT_STATUSES)[number];

/** The legal moves; a status that may go nowhere has an empty row. */
const MOVES: Record<DocumentStatus, readonly DocumentStatus[]> = {
  draft: ["active"],
  active: ["retired"],
  retired: [],
};

export function mayBecome(from: DocumentStatus, to: DocumentStatus): boolean {
  return MOVES[from].includes(to);
}
