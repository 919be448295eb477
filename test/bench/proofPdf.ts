import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fontkit from "@pdf-lib/fontkit";
import { PDFDocument } from "pdf-lib";
import { renderProofPdf } from "#api/consentProof/pdf/renderProofPdf.ts";
import { PROOF as proof, PROOF_URLS as urls } from "#test/support/consentProof.ts";
import { randomHash } from "./contentHashes.ts";
import { load } from "./load.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const documentsPerRound = 20;
const rounds = 5;
const seconds = 5;
/** A domain gets 20 documents a minute. */
const domains = 60;
const documentConnections = 4;
const verifyConnections = 4;

const font = readFileSync(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"));

/** A whole proof against one line of text in a document of pdf-lib, each in one thread; and what documents do to other requests. */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  const rates = await interleave(rounds, {
    proof: () => documentsPerSecond(renderProof),
    minimal: () => documentsPerSecond(renderMinimal),
  });
  const rendering: Row = {
    name: "a consent proof as PDF, against a minimal pdf-lib document with the same font embedded",
    measured: `${rates.proof.toFixed(1)} documents/s`,
    baseline: `${rates.minimal.toFixed(1)} documents/s`,
    ratio: rates.proof / rates.minimal,
    promise: "≥ 0.6",
  };
  return [rendering, ...(await withStack(startStack, measureBeside, { pipeline: false }))];
}

async function documentsPerSecond(render: () => Promise<Uint8Array>): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < documentsPerRound; i++) await render();
  return documentsPerRound / ((performance.now() - startedAt) / 1_000);
}

const renderProof = () =>
  renderProofPdf({ proof, language: "sr-Cyrl", receiptJson: Buffer.from("{}"), urls });

async function renderMinimal(): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  document.registerFontkit(fontkit);
  const embedded = await document.embedFont(font, { subset: true });
  document.addPage().drawText("Сагласност ✓", { font: embedded, x: 50, y: 700 });
  return document.save();
}

async function measureBeside(stack: Stack): Promise<Row[]> {
  const keys = await createSites(stack);
  const hash = randomHash();
  await submit(stack, hash);
  const path = `/v1/verify/${hash}`;
  const verify = async () =>
    (
      await loadWithoutErrors({
        url: stack.apiUrl,
        seconds,
        connections: verifyConnections,
        distinct: 1_000,
        repeat: true,
        request: () => ({ method: "GET", path }),
      })
    ).p99Ms;
  let documents = 0;
  const { without, beside } = await interleave(3, {
    without: verify,
    beside: async () => {
      // Until the limit of each domain; what is over it is refused, and no document.
      const [p99Ms, rendered] = await Promise.all([verify(), renderAll(stack, keys)]);
      documents += rendered;
      return p99Ms;
    },
  });
  return [
    {
      name: `GET /v1/verify/:hash, p99 while ${documents} PDFs are made, against without`,
      measured: `${beside.toFixed(2)} ms`,
      baseline: `${without.toFixed(2)} ms`,
      ratio: beside / without,
      promise: "≤ 2",
    },
  ];
}

async function renderAll({ apiUrl }: Stack, keys: readonly string[]): Promise<number> {
  const { requests, errors } = await load({
    url: apiUrl,
    seconds,
    connections: documentConnections,
    distinct: 1_000,
    repeat: true,
    request: (i) => ({
      method: "GET",
      path: "/api/v1/consent-proof/visitor-1",
      headers: { "x-api-key": keys[i % keys.length]! },
    }),
  });
  if (requests <= errors) throw new Error("no document was made");
  return requests - errors;
}

async function submit({ apiUrl, adminKey }: Stack, hash: string): Promise<void> {
  const response = await fetch(`${apiUrl}/v1/hashes`, {
    method: "POST",
    headers: { "x-api-key": adminKey, "content-type": "application/json" },
    body: JSON.stringify({ hash }),
  });
  if (response.status !== 202) throw new Error(`the hash was answered ${response.status}`);
}

/** A key for each domain, of which one visitor has consented. */
async function createSites(stack: Stack): Promise<string[]> {
  const post = async (path: string, key: string, body: object) => {
    const response = await fetch(stack.apiUrl + path, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`${path} answered ${response.status}`);
    return response.json() as Promise<{ id: string; key: string }>;
  };
  const { id: tenantId } = await post("/admin/tenants", stack.adminKey, { name: "Benchmark" });
  const keys: string[] = [];
  for (let i = 0; i < domains; i++) {
    const wanted = { tenantId, name: "key", site: `shop-${i}.example`, rateLimitPerMinute: 10_000 };
    const { key } = await post("/admin/api-keys", stack.adminKey, wanted);
    const { categories, tcfString } = proof;
    await post("/api/v1/consents", key, {
      visitor_id: "visitor-1",
      action: "custom_selection",
      categories,
      tcf_string: tcfString,
    });
    keys.push(key);
  }
  return keys;
}
