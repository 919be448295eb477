import pg from "pg";
import { type FilledAudit, fillAudit } from "./fillAudit.ts";
import { interleave } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const ROWS = 10_000_000;
const PAGE_ROWS = 50;
const asks = 200;

type Question = { name: string; query: Record<string, string>; where: string; values: unknown[] };

/** What operators ask, as the API is asked and as the one index scan that finds the page. */
function questionsOf({ tenantId, from, to }: FilledAudit): Question[] {
  const idAt = (time: Date) => {
    const hex = time.getTime().toString(16).padStart(12, "0");
    return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
  };
  return [
    { name: "no filter", query: {}, where: "true", values: [] },
    { name: "tenantId", query: { tenantId }, where: "tenant_id = $2", values: [tenantId] },
    {
      name: "a rare action",
      query: { action: "tenant.update" },
      where: "action = $2 AND action <> ALL ('{hash.submit,hash.submit_batch,hash.query}')",
      values: ["tenant.update"],
    },
    {
      name: "a frequent action within a day",
      query: { action: "hash.submit", from: from.toISOString(), to: to.toISOString() },
      where: "action = $2 AND request_id BETWEEN $3 AND $4",
      values: ["hash.submit", idAt(from), idAt(to)],
    },
  ];
}

/**
 * The first page of GET /admin/audit-logs over ten million rows, against what any answer takes (GET /v1/quota: the key, the
 * limit, one row, the audit row) and, on top, one index scan of the same page in SQL.
 */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(startStack, measure, { pipeline: false });
}

async function measure(stack: Stack): Promise<Row[]> {
  const filled = await fillAudit(stack, ROWS);
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    const rows: Row[] = [];
    for (const question of questionsOf(filled)) {
      const { page, any, scan, nothing } = await interleave(asks, {
        page: () => timeOf(() => askForPage(stack, question)),
        any: () => timeOf(() => ask(stack, "/v1/quota")),
        scan: () => timeOf(() => scanPage(client, question)),
        nothing: () => timeOf(() => client.query("SELECT 1")),
      });
      const baseline = any + scan - nothing;
      rows.push({
        name: `GET /admin/audit-logs at ${ROWS.toLocaleString("en")} rows, ${question.name}, against GET /v1/quota and one index scan (${(scan - nothing).toFixed(2)} ms)`,
        measured: `${page.toFixed(2)} ms`,
        baseline: `${baseline.toFixed(2)} ms`,
        ratio: page / baseline,
        promise: "≤ 1.5",
      });
    }
    return rows;
  } finally {
    await client.end();
  }
}

/** Milliseconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function ask({ apiUrl, adminKey }: Stack, path: string): Promise<unknown> {
  const response = await fetch(apiUrl + path, { headers: { "x-api-key": adminKey } });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

async function askForPage(stack: Stack, { query }: Question): Promise<void> {
  const path = `/admin/audit-logs?${new URLSearchParams(query)}`;
  const { data } = (await ask(stack, path)) as { data: unknown[] };
  if (data.length !== PAGE_ROWS) throw new Error(`${path} answered ${data.length} rows`);
}

async function scanPage(client: pg.Client, { name, where, values }: Question): Promise<void> {
  const text = `SELECT * FROM app.audit_logs WHERE ${where} ORDER BY request_id DESC LIMIT $1`;
  const { rows } = await client.query({ name, text, values: [PAGE_ROWS, ...values] });
  if (rows.length !== PAGE_ROWS) throw new Error(`${rows.length} rows`);
}
