import pg from "pg";
import { createTenant } from "./apiKeys.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const connections = 64;
const seconds = 3;
const rounds = 5;
const leavesPerBatch = 10_000;

export type StatsOptions = { startStack: StartStack; fewHashes?: number; manyHashes?: number };

/** GET /v1/stats of a tenant with few and with many hashes. Both run at the same time, each in a stack of its own. */
export async function run({
  startStack,
  fewHashes = 10_000,
  manyHashes = 10_000_000,
}: StatsOptions): Promise<Row[]> {
  return withFilledStack(startStack, manyHashes, (many) =>
    withFilledStack(startStack, fewHashes, async (few) => {
      const rates = await interleave(rounds, { few, many });
      return [
        {
          name: `GET /v1/stats at ${manyHashes.toLocaleString("en")} hashes, against ${fewHashes.toLocaleString("en")}`,
          measured: perSecond(rates.many),
          baseline: perSecond(rates.few),
          ratio: rates.many / rates.few,
          promise: "± 20 %",
        },
      ];
    }),
  );
}

function withFilledStack<T>(
  startStack: StartStack,
  count: number,
  work: (rate: () => Promise<number>) => Promise<T>,
): Promise<T> {
  return withStack(
    startStack,
    async (stack) => {
      const { id, keys } = await createTenant(stack, connections);
      await fill(stack, id, count);
      return work(() => statsRate(stack, keys));
    },
    { pipeline: false },
  );
}

/**
 * Writes submissions of the last twelve months and their anchored batches, and counts them as migration 0008 does. Trees and
 * receipts, which statistics have nothing to do with, are left out.
 */
async function fill(stack: Stack, tenantId: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    await client.query("SET synchronous_commit = off; SET work_mem = '512MB'");
    await client.query(
      `INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at, tx_hash, block_number, block_hash,
         block_timestamp, log_index, gas_used, anchored_at)
       SELECT gen_random_uuid(), chain_id, publisher, sha256(int8send(n)), $1, 'anchored', now(), sha256(int8send(n)), n, sha256(int8send(n)),
         n, 0, 1, now()
       FROM app.chains, generate_series(1, $2::bigint) AS n WHERE is_default`,
      [leavesPerBatch, Math.ceil(count / leavesPerBatch)],
    );
    // In the order of the key: inserting at random places would take many times as long.
    await client.query(
      `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at, batch_id, leaf_index)
       SELECT sha256(int8send(n)), $1, gen_random_uuid(), b.chain_id, now() - (n % 360) * interval '1 day', b.id, n % ${leavesPerBatch}
       FROM generate_series(0, $2::bigint - 1) AS n JOIN app.batches b ON b.block_number = n / ${leavesPerBatch} + 1
       ORDER BY 1`,
      [tenantId, count],
    );
    await client.query(`
      INSERT INTO app.batch_tenants (tenant_id, batch_id, hashes)
        SELECT tenant_id, batch_id, count(*) FROM app.submissions GROUP BY 1, 2;
      INSERT INTO app.tenant_totals (tenant_id, batches, anchored_hashes)
        SELECT tenant_id, count(*), sum(hashes) FROM app.batch_tenants GROUP BY 1;
      INSERT INTO app.monthly_hashes
        SELECT tenant_id, date_trunc('month', created_at AT TIME ZONE 'UTC')::date, count(*) FROM app.submissions GROUP BY 1, 2`);
    await client.query("VACUUM ANALYZE");
    await client.query("CHECKPOINT"); // or it runs while reads are measured
  } finally {
    await client.end();
  }
}

async function statsRate(stack: Stack, keys: readonly string[]): Promise<number> {
  const result = await loadWithoutErrors({
    url: stack.apiUrl,
    seconds,
    connections,
    distinct: connections,
    repeat: true,
    request: (i) => ({ method: "GET", path: "/v1/stats", headers: { "x-api-key": keys[i]! } }),
  });
  return result.requestsPerSecond;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} requests/s`;
}
