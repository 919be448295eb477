/**
 * POST /v1/hashes without anything of the platform around hashes, as a process: the API's own request log, strict body, grouping
 * and durable insert into app.submissions, but no key, no limit, no quota and no audit row. Prints "listening <url>".
 * Environment: DATABASE_URL.
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";
import { pino } from "pino";
import { submitHashBody } from "#api/anchoring/wire.ts";
import { arrayLiteral, byteaArrayLiteral } from "#api/db/arrayLiteral.ts";
import { groupCalls } from "#api/db/groupCalls.ts";
import { readJson } from "#api/http/body.ts";
import { createClientAddress } from "#api/http/clientAddress.ts";
import type { AppEnv } from "#api/http/context.ts";
import { createErrorHandler } from "#api/http/errorHandler.ts";
import { requestLog } from "#api/http/requestLog.ts";
import { createLogBlocks } from "#api/logBlocks.ts";
import { newId } from "#api/newId.ts";
import { createMetrics } from "#api/operations/metrics.ts";

const TENANT_ID = newId();
const CHAIN_ID = 31_337;
/** As in submitHashes.ts. */
const GROUP_HASHES_MAX = 500;

const INSERT = `
  WITH inserted AS (
    INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, external_id, metadata, created_at)
    SELECT content_hash, $2, id, $3, external_id, metadata::jsonb, $4
    FROM unnest($1::bytea[], $5::uuid[], $6::text[], $7::text[]) AS item (content_hash, id, external_id, metadata)
    ON CONFLICT (content_hash, tenant_id) DO NOTHING
    RETURNING id
  )
  SELECT CASE WHEN count(*) < $8 THEN coalesce(array_agg(id), '{}') END AS accepted FROM inserted`;

type Item = { id: string; hash: string; externalId: string | null; metadata: string | null };

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const logger = pino({}, createLogBlocks());

const submit = groupCalls(
  async (items: Item[]) => {
    const sorted = items.toSorted((a, b) => (a.hash < b.hash ? -1 : 1));
    const { rows } = await pool.query<{ accepted: string[] | null }>({
      name: "insert",
      text: INSERT,
      values: [
        byteaArrayLiteral(sorted.map(({ hash }) => hash.slice(2))),
        TENANT_ID,
        CHAIN_ID,
        new Date(),
        arrayLiteral(sorted.map(({ id }) => id)),
        sorted.map(({ externalId }) => externalId),
        sorted.map(({ metadata }) => metadata),
        items.length,
      ],
    });
    const accepted = rows[0]!.accepted && new Set(rows[0]!.accepted);
    return items.map(({ id }) => (accepted === null || accepted.has(id) ? "accepted" : "duplicate"));
  },
  { weightMax: GROUP_HASHES_MAX, concurrencyMax: 1 },
);

const app = new Hono<AppEnv>();
app.use(requestLog(logger, createClientAddress(["127.0.0.1"]), createMetrics()));
app.onError(createErrorHandler([]));
app.post("/v1/hashes", async (c) => {
  const { hash, externalId = null, metadata = null } = await readJson(c, submitHashBody);
  const id = newId();
  const status = await submit({ id, hash, externalId, metadata: metadata && JSON.stringify(metadata) });
  return c.json({ status, id, hash, externalId }, status === "accepted" ? 202 : 200);
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`listening http://127.0.0.1:${port}`);
});
