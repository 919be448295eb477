import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import journal from "../../migrations/meta/_journal.json" with { type: "json" };
import { checkTotals } from "../pipeline/invariants/checkTotals.ts";
import { connectDatabase } from "./client.ts";

const RECOUNT = "0008_devices_and_totals";

let postgres: EmbeddedPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
});
afterAll(() => postgres.stop());

// Two tenants, three batches of which two are anchored, one shared hash, one pending hash.
const BEFORE = `
  INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations)
    VALUES (1, 'c', 'http://c', decode(repeat('c0', 20), 'hex'), decode(repeat('b0', 20), 'hex'), 1);
  INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at, tx_hash, block_number, block_hash, block_timestamp, log_index, gas_used, anchored_at)
    SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 1, decode(repeat('b0', 20), 'hex'), sha256(int8send(n)), 2, 'anchored', now(),
      sha256(''), n, sha256(''), n, 0, 1, now() FROM generate_series(1::bigint, 2) n;
  INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at)
    VALUES ('00000000-0000-7000-8000-000000000003', 1, decode(repeat('b0', 20), 'hex'), sha256('3'), 1, 'broadcast', now());
  INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at, batch_id, leaf_index)
    SELECT sha256(hash::bytea), ('00000000-0000-4000-8000-00000000000' || tenant)::uuid, gen_random_uuid(), 1, '2027-01-01T00:00:00Z',
      ('00000000-0000-7000-8000-00000000000' || batch)::uuid, CASE WHEN batch IS NOT NULL THEN 0 END
    FROM (VALUES ('a', 1, 1), ('b', 1, 1), ('a', 2, 1), ('c', 2, 2), ('d', 1, 3), ('e', 1, NULL)) AS s (hash, tenant, batch);
  INSERT INTO app.batch_tenants (tenant_id, batch_id)
    SELECT DISTINCT tenant_id, batch_id FROM app.submissions WHERE batch_id IS NOT NULL;
  INSERT INTO app.monthly_hashes SELECT tenant_id, '2027-01-01', count(*) FROM app.submissions GROUP BY 1`;

test("HA-6 what was stored before statistics were counted is counted when the schema is brought up to date", async () => {
  const url = await createDatabase(postgres);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const apply = async (tag: string) =>
    client.query(await readFile(new URL(`../../migrations/${tag}.sql`, import.meta.url), "utf8"));
  const tags = journal.entries.map(({ tag }) => tag);
  for (const tag of tags.slice(0, tags.indexOf(RECOUNT))) await apply(tag);
  await client.query(BEFORE);
  await client.query("BEGIN"); // as drizzle's migrator does
  await apply(RECOUNT);
  await client.query("COMMIT");
  const { rows } = await client.query(
    "SELECT batches, anchored_hashes FROM app.tenant_totals ORDER BY tenant_id",
  );
  expect(rows).toEqual([
    { batches: "2", anchored_hashes: "2" },
    { batches: "2", anchored_hashes: "2" },
  ]);
  await client.end();
  const db = connectDatabase({ url, connectionsMax: 1, statementTimeoutMs: 10_000, onError: () => {} });
  const found: unknown[] = [];
  const tx = await db.pool.connect();
  await checkTotals(tx, (violation) => found.push(violation));
  tx.release();
  await db.pool.end();
  expect(found).toEqual([]);
});
