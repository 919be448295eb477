import { readFileSync } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { until } from "#test/support/until.ts";
import { createTenant, type Tenant } from "./apiKeys.ts";
import { type Fill, fillAnchored } from "./fillAnchored.ts";
import { interleave } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const rounds = 3;
const exportDeadlineMs = 10 * 60_000;
const memorySampleMs = 20;
const isoFormat = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** `to`: only what was submitted until then. */
type Wanted = { type: "hashes" | "receipts"; format: "csv" | "json"; to?: string };
type Exported = { rowsPerSecond: number; bytesPerSecond: number; peakBytes: number };

/** What an export of hashes reads, in one statement and PostgreSQL's own CSV; what a batch's rows have in common is made once. */
const copyQuery = (tenantId: string) => `
  COPY (
    WITH batch AS MATERIALIZED (
      SELECT b.id, '0x' || encode(b.root, 'hex') AS root, CASE WHEN agreed.is_anchored THEN 'anchored' ELSE 'batched' END AS status,
        CASE WHEN agreed.is_anchored THEN '0x' || encode(b.tx_hash, 'hex') END AS tx_hash,
        CASE WHEN agreed.is_anchored THEN b.block_number END AS block_number,
        CASE WHEN agreed.is_anchored THEN to_char(to_timestamp(b.block_timestamp) AT TIME ZONE 'UTC', '${isoFormat}') END AS anchored_at
      FROM app.batches b LEFT JOIN chain.anchors a ON a.chain_id = b.chain_id
        AND a.publisher = '0x' || encode(b.publisher, 'hex') AND a.root = '0x' || encode(b.root, 'hex')
      CROSS JOIN LATERAL (SELECT (b.state = 'anchored' AND b.leaf_count = a.leaf_count
        AND a.block_hash = '0x' || encode(b.block_hash, 'hex')) IS TRUE AS is_anchored) agreed
    )
    SELECT s.id, '0x' || encode(s.content_hash, 'hex') AS hash, s.external_id AS "externalId", coalesce(b.status, 'pending') AS status,
      s.batch_id AS "batchId", b.root AS "merkleRoot", b.tx_hash AS "txHash", b.block_number AS "blockNumber",
      to_char(s.created_at AT TIME ZONE 'UTC', '${isoFormat}') AS "createdAt", b.anchored_at AS "anchoredAt"
    FROM app.submissions s LEFT JOIN batch b ON b.id = s.batch_id
    WHERE s.tenant_id = ${pg.escapeLiteral(tenantId)} ORDER BY s.id
  ) TO STDOUT (FORMAT csv, HEADER)`;

export type ExportsOptions = { startStack: StartStack; fill?: Fill; rows?: number; fewRows?: number };

/** Exports against `COPY … TO STDOUT` of the same rows, and what few and many rows take of the worker's memory. */
export async function run({
  startStack,
  fill = fillAnchored,
  rows = 1_000_000,
  fewRows = 100_000,
}: ExportsOptions): Promise<Row[]> {
  return withStack(startStack, async (stack) => {
    const tenant = await createTenant(stack, 1);
    await fill(stack, tenant.id, rows);
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    try {
      await nameSubmissions(client);
      return await measure({ stack, tenant, client, rows, fewRows });
    } finally {
      await client.end();
    }
  });
}

type Measured = { stack: Stack; tenant: Tenant; client: pg.Client; rows: number; fewRows: number };

async function measure({ stack, tenant, client, rows, fewRows }: Measured): Promise<Row[]> {
  const peaks = { few: 0, many: 0 };
  const exportOnce = async (wanted: Wanted, size: keyof typeof peaks) => {
    const exported = await exportRows({ stack, tenant, client, wanted });
    peaks[size] = Math.max(peaks[size], exported.peakBytes);
    return exported;
  };
  const to = await createdAtPlace(client, fewRows);
  for (const format of ["csv", "json"] as const) {
    await exportOnce({ type: "hashes", format, to }, "few");
    await exportOnce({ type: "receipts", format, to }, "few");
  }
  const rates = await interleave(rounds, {
    copy: () => copyRows(client, tenant.id, rows),
    csv: async () => (await exportOnce({ type: "hashes", format: "csv" }, "many")).rowsPerSecond,
    json: async () => (await exportOnce({ type: "hashes", format: "json" }, "many")).rowsPerSecond,
  });
  const receipts = await exportOnce({ type: "receipts", format: "json" }, "many");
  const [many, few] = [rows.toLocaleString("en"), fewRows.toLocaleString("en")];
  return [
    againstCopy(`${many} hashes exported as CSV`, rates.csv, rates.copy),
    againstCopy(`${many} hashes exported as JSON`, rates.json, rates.copy),
    {
      name: `${many} receipts exported as JSON`,
      measured: `${perSecond(receipts.rowsPerSecond)}, ${mebibytes(receipts.bytesPerSecond)}/s`,
      baseline: "",
      ratio: Number.NaN,
      promise: "",
    },
    {
      name: `the worker's peak memory, exporting ${many} rows, against ${few}`,
      measured: mebibytes(peaks.many),
      baseline: mebibytes(peaks.few),
      ratio: peaks.many / peaks.few,
      promise: "≤ 1.5",
    },
  ];
}

function againstCopy(name: string, measured: number, baseline: number): Row {
  return {
    name: `${name}, against COPY TO STDOUT of the same rows`,
    measured: perSecond(measured),
    baseline: perSecond(baseline),
    ratio: measured / baseline,
    promise: "≥ 0.3",
  };
}

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MiB`;
const perSecond = (rows: number) => `${Math.round(rows).toLocaleString("en")} rows/s`;

/** Gives every submission an external id, as clients do; the tenant's rows stand as before. */
async function nameSubmissions(client: pg.Client): Promise<void> {
  await client.query("SET synchronous_commit = off");
  await client.query("UPDATE app.submissions SET external_id = 'invoice ' || leaf_index");
  await client.query("VACUUM ANALYZE app.submissions");
  await client.query("CHECKPOINT");
}

/** @returns rows per second. */
async function copyRows(client: pg.Client, tenantId: string, rows: number): Promise<number> {
  const startMs = performance.now();
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(client.query(copyTo(copyQuery(tenantId))), nowhere);
  return rows / ((performance.now() - startMs) / 1_000);
}

/** When the submission was made before which there are `rows` others. */
async function createdAtPlace(client: pg.Client, rows: number): Promise<string> {
  const found = await client.query<{ created_at: Date }>(
    "SELECT created_at FROM app.submissions ORDER BY id OFFSET $1 LIMIT 1",
    [rows - 1],
  );
  return found.rows[0]!.created_at.toISOString();
}

/** One export, timed from the moment a worker took its job to the moment it was done. */
async function exportRows({
  stack,
  tenant: { keys },
  client,
  wanted: { type, format, to },
}: Pick<Measured, "stack" | "tenant" | "client"> & { wanted: Wanted }): Promise<Exported> {
  const headers = { "X-API-Key": keys[0]!, "Content-Type": "application/json" };
  const begun = await fetch(`${stack.apiUrl}/v1/export/${type}`, {
    method: "POST",
    headers,
    body: JSON.stringify({ format, filters: { to } }),
  });
  if (begun.status !== 202) throw new Error(`POST answered ${begun.status}: ${await begun.text()}`);
  const { id } = (await begun.json()) as { id: string };
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(stack.workers[0]!.pid));
  }, memorySampleMs);
  try {
    const isDone = async () => {
      const answer = await fetch(`${stack.apiUrl}/v1/export/${id}`, { method: "HEAD", headers });
      return answer.headers.has("Content-Disposition");
    };
    await until(isDone, { deadlineMs: exportDeadlineMs, intervalMs: 200 });
  } finally {
    clearInterval(sampling);
  }
  const { rows } = await client.query<{ seconds: number; total_rows: string; bytes: string }>(
    `SELECT extract(epoch FROM j.completed_on - j.started_on)::float8 AS seconds, e.total_rows, e.bytes
     FROM app.exports e JOIN jobs.job j ON j.id = e.job_id WHERE e.id = $1`,
    [id],
  );
  const { seconds, total_rows, bytes } = rows[0]!;
  return {
    rowsPerSecond: Number(total_rows) / seconds,
    bytesPerSecond: Number(bytes) / seconds,
    peakBytes,
  };
}

/** What a process has in memory now. */
function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1_024;
}
