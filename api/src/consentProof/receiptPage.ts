import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import { WORDS } from "./pdf/languages.ts";
import { categoryName } from "./pdf/words.ts";
import type { ProofRecord } from "./proofRecord.ts";

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;color:#1a1f2b;background:#f6f7f9;margin:0}
main{max-width:44rem;margin:2rem auto;padding:2rem;background:#fff;border:1px solid #d5dae3;border-radius:8px}
h1{font-size:1.6rem;margin:0 0 .25rem}p{margin:.25rem 0 1rem;color:#5b6475}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.5rem}dt{color:#5b6475}
dd{margin:0;overflow-wrap:anywhere}code{font-size:.85rem}
a{color:#1c4fd7}`;

/** The page loads nothing, runs nothing, is framed by nobody, and tells no other site of its address. */
export const RECEIPT_PAGE_HEADERS = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Robots-Tag": "noindex",
  "Cache-Control": "no-store",
};

/** The public receipt page (OS-3): what was chosen, whether it stands, and the way to the PDF. */
export function receiptPage(record: ProofRecord, described: ConsentDescription, receiptUrl: string) {
  const words = WORDS.en;
  const { receipt } = described;
  const rows: [string, string][] = [
    [words.labels.receiptId, record.receiptId],
    [words.labels.recordSha256, record.recordSha256],
    [words.labels.domain, record.domain],
    [words.labels.consentedAt, record.consentedAt.toISOString()],
    [words.labels.expiresAt, record.expiresAt?.toISOString() ?? words.never],
    [words.labels.action, words.actions[record.action]],
    ...Object.entries(record.categories).map(([category, on]): [string, string] => [
      categoryName(words, category),
      on ? words.given : words.refused,
    ]),
    [words.labels.origin, described.origin ? "Stated and signed by this service" : words.origin.missing],
    [words.labels.status, receipt ? words.anchored : "Not yet anchored"],
    ...(receipt
      ? ([
          [words.labels.chain, String(receipt.anchor.chainId)],
          [words.labels.transaction, receipt.anchor.txHash],
          [words.labels.block, String(receipt.anchor.blockNumber)],
          [words.labels.merkleRoot, receipt.merkleRoot],
        ] satisfies [string, string][])
      : []),
  ];
  const body = record.isErased
    ? html`<p>The visitor's data was erased. What is left of the record still verifies against the chain.</p>`
    : html`<p>
        <a href="${receiptUrl}/pdf?lang=en">PDF</a> · <a href="${receiptUrl}/pdf?lang=sr">PDF (srpski)</a> ·
        <a href="${receiptUrl}/pdf?lang=sr-Cyrl">PDF (српски)</a>
      </p>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Consent receipt ${record.receiptId}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>Consent receipt</h1>
          ${body}
          <dl>
            ${rows.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}
          </dl>
        </main>
      </body>
    </html>`;
}
