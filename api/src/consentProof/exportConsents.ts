import { setImmediate } from "node:timers/promises";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { ReadOrigin } from "../consents/readOrigin.ts";
import type { Database } from "../db/client.ts";
import { csvText } from "../exports/csv.ts";
import type { ExportText } from "../exports/exportText.ts";
import { jsonText } from "../exports/jsonArray.ts";
import { describeProof } from "./describeProof.ts";
import { readProofs, type SiteOfTenant } from "./findProofs.ts";
import { proofRecord } from "./proofRecord.ts";

/** OS-6. */
const ROWS_MAX = 50_000;
/** A record is up to 200 KB long. */
const PAGE_ROWS = 50;
const PIECE_CHARACTERS = 65_536;

type Described = ReturnType<typeof describeProof>;

/** In this order, always. */
const COLUMNS = [
  "receipt_id",
  "record_sha256",
  "domain",
  "visitor_id",
  "action",
  "categories",
  "banner_mode",
  "page_url",
  "country",
  "language",
  "gpc",
  "ip_masked",
  "tcf_string",
  "ac_string",
  "gpp_string",
  "flags",
  "consented_at",
  "expires_at",
  "created_at",
  "signature",
  "signature_scheme",
  "signature_key_id",
  "receipt_url",
  "origin",
] as const satisfies readonly (keyof Described)[];

export type ExportOptions = { format: "json" | "csv"; publicUrl: string; readOrigin: ReadOrigin };

/** A domain's consents, the newest first, 50,000 at most, as they are read; what is in memory does not grow with them. */
export function exportConsents(
  db: Database,
  of: SiteOfTenant,
  { format, publicUrl, readOrigin }: ExportOptions,
): ReadableStream<Uint8Array> {
  const text: ExportText = format === "csv" ? csvText : jsonText;
  const describe = async (stored: StoredConsent) =>
    describeProof(proofRecord(stored), await readOrigin(stored, null), publicUrl);
  const pieces = textPieces(db, of, text, describe);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}

async function* textPieces(
  db: Database,
  of: SiteOfTenant,
  text: ExportText,
  describe: (stored: StoredConsent) => Promise<Described>,
) {
  let rows = 0;
  let piece = text.begin(COLUMNS);
  for await (const page of readProofs(db, of, { max: ROWS_MAX, pageSize: PAGE_ROWS })) {
    for (const stored of page) {
      const described = await describe(stored);
      piece += text.row(
        COLUMNS,
        COLUMNS.map((column) => described[column]),
        rows++,
      );
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = "";
      // Other requests go on between two pieces, however fast this one is read.
      await setImmediate();
    }
  }
  yield piece + text.end(rows);
}
