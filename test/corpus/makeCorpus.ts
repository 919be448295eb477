import type { Hex } from "#protocol/bytes.ts";
import { consentFamily } from "./accept/consents.ts";
import { pdfFamily as genuinePdfFamily } from "./accept/pdfs.ts";
import { rearrangedFamily } from "./accept/rearranged.ts";
import { receiptFamily } from "./accept/receipts.ts";
import { readAnchored } from "./anchored.ts";
import type { CorpusEntry, CorpusFile } from "./corpusFile.ts";
import { genuineOf } from "./genuine.ts";
import { changeFamily } from "./refuse/changes.ts";
import { claimFamily } from "./refuse/claims.ts";
import { disclosureFamily } from "./refuse/disclosures.ts";
import { encodingFamily } from "./refuse/encodings.ts";
import { forgedFamily } from "./refuse/forged.ts";
import { formFamily } from "./refuse/form.ts";
import { formatFamily } from "./refuse/formats.ts";
import { historyFamily } from "./refuse/histories.ts";
import { hostileFamily } from "./refuse/hostile.ts";
import { issuerFamily } from "./refuse/issuers.ts";
import { jwtFamily } from "./refuse/jwts.ts";
import { lieFamily } from "./refuse/lies.ts";
import { originFamily } from "./refuse/origins.ts";
import { pdfFamily } from "./refuse/pdfs.ts";
import { signatureFamily } from "./refuse/signatures.ts";

/**
 * All files, in the order of the list.
 * @param rpcUrl of the replayed chain. @param txHashOf the transaction that anchors a batch.
 */
export async function makeCorpus(rpcUrl: string, txHashOf: ReadonlyMap<string, Hex>): Promise<CorpusFile[]> {
  const genuine = genuineOf(await readAnchored(rpcUrl, txHashOf));
  const families = [
    formFamily,
    changeFamily,
    lieFamily,
    signatureFamily,
    issuerFamily,
    forgedFamily,
    originFamily,
    disclosureFamily,
    claimFamily,
    formatFamily,
    historyFamily,
    jwtFamily,
    encodingFamily,
    hostileFamily,
    pdfFamily,
    receiptFamily,
    rearrangedFamily,
    consentFamily,
    genuinePdfFamily,
  ];
  const files: CorpusFile[] = [];
  for (const family of families) files.push(...(await family(genuine)));
  const names = files.map(({ file }) => file.toLowerCase());
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice !== undefined) throw new Error(`two files are called ${twice}`);
  return files;
}

/** The list of the files, a line each. */
export function indexText(files: readonly CorpusFile[]): string {
  const entries: CorpusEntry[] = files.map(
    ({ content: _content, isRendered: _isRendered, ...entry }) => entry,
  );
  return `[\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`;
}
