import type { Database } from "../db/client.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import { type ExportOptions, exportConsents } from "./exportConsents.ts";
import {
  findLastProof,
  findNewestProof,
  findProofByReceiptId,
  listProofs,
  type SiteOfTenant,
  type VisitorOfSite,
} from "./findProofs.ts";
import { verifyProof } from "./verifyProof.ts";

/** What the routes ask of the consents of a domain. */
export function createProofReader(db: Database, keys: ServiceKeys | null) {
  return {
    newest: (of: VisitorOfSite, now: Date) => findNewestProof(db, of, now),
    last: (of: VisitorOfSite) => findLastProof(db, of),
    byReceiptId: (receiptId: string) => findProofByReceiptId(db, receiptId),
    list: (of: SiteOfTenant, page: { page: number; limit: number }) => listProofs(db, of, page),
    export: (of: SiteOfTenant, options: ExportOptions) => exportConsents(db, of, options),
    verify: (input: { receiptId: string; signature: string }) => verifyProof({ db, keys }, input),
  };
}
export type ProofReader = ReturnType<typeof createProofReader>;
