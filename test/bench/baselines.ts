/**
 * The baselines of the HTTP benchmarks as one process: bare Hono routes with nothing around them, written as well as
 * we can. Prints "listening <url>".
 *   POST /echo          parses JSON and answers it
 *   POST /insert        one INSERT and one durable commit per request, into a table that is equal to app.submissions
 *   GET  /select/:hash  one SELECT of a submission by primary key
 * Environment: DATABASE_URL; BASELINE_CONNECTIONS (default 40: measured best for /insert at 64 clients on two cores).
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { recreateEqualTable, submissionColumns } from "./baselineTables.ts";

const tenantId = uuidv7();
const chainId = 31337;
const connectionsMax = Number(process.env.BASELINE_CONNECTIONS ?? 40);

const insertSubmission = {
  name: "insertSubmission",
  text: `INSERT INTO bench.submissions (${submissionColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
};
const selectSubmission = {
  name: "selectSubmission",
  text: `SELECT ${submissionColumns}, batch_id, leaf_index FROM app.submissions WHERE content_hash = $1`,
};

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: connectionsMax });
await recreateEqualTable(pool, "submissions");

const app = new Hono();
app.post("/echo", async (c) => c.json(await c.req.json()));
app.post("/insert", async (c) => {
  const { hash, externalId, metadata } = await c.req.json();
  const id = uuidv7();
  const contentHash = Buffer.from(hash.slice(2), "hex");
  const values = [contentHash, tenantId, id, chainId, externalId ?? null, metadata ?? null, new Date()];
  await pool.query({ ...insertSubmission, values });
  return c.json({ status: "accepted", id, hash }, 202);
});
app.get("/select/:hash", async (c) => {
  const values = [Buffer.from(c.req.param("hash").slice(2), "hex")];
  const { rows } = await pool.query({ ...selectSubmission, values });
  if (!rows[0]) return c.json({ error: "not found" }, 404);
  return c.json({ ...rows[0], content_hash: `0x${rows[0].content_hash.toString("hex")}` });
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`listening http://127.0.0.1:${port}`);
});
