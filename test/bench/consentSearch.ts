import { hash, randomInt } from "node:crypto";
import pg from "pg";
import { createTenant, type Tenant } from "./apiKeys.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const EVENTS_PER_SUBJECT = 4;
const ISSUER = "https://foo.example";
const TARGET = "https://foo.example/policy";
const seconds = 4;
const rounds = 5;
// Few connections: what one answer takes is looked at, not what the machine takes.
const connections = 4;
const keyCount = 64;
const readsBuilt = 20_000;

export type ConsentSearchOptions = { startStack: StartStack; fewEvents?: number; manyEvents?: number };

/** Search and look-up by token, with few and with many events; both sizes run at the same time, so that they can be measured in turn. */
export async function run({
  startStack,
  fewEvents = 10_000,
  manyEvents = 10_000_000,
}: ConsentSearchOptions): Promise<Row[]> {
  return withFilled(startStack, manyEvents, (many) =>
    withFilled(startStack, fewEvents, async (few) => {
      const latencies = new Map<string, number[]>();
      const note = (name: string, ask: () => Promise<{ p50Ms: number; p99Ms: number }>) => async () => {
        const { p50Ms, p99Ms } = await ask();
        latencies.set(`${name} p99`, [...(latencies.get(`${name} p99`) ?? []), p99Ms]);
        return p50Ms;
      };
      const p50 = await interleave(rounds, {
        fewSearch: note("fewSearch", () => few("search")),
        manySearch: note("manySearch", () => many("search")),
        manyToken: note("manyToken", () => many("token")),
        fewToken: note("fewToken", () => few("token")),
      });
      const p99 = (name: string) => latencies.get(`${name} p99`)!.sort((a, b) => a - b)[(rounds - 1) / 2]!;
      const row = (what: string, quantile: string, manyMs: number, fewMs: number): Row => ({
        name: `${what}, ${quantile} at ${manyEvents.toLocaleString("en")} events, against ${fewEvents.toLocaleString("en")}`,
        measured: `${manyMs.toFixed(2)} ms`,
        baseline: `${fewMs.toFixed(2)} ms`,
        ratio: manyMs / fewMs,
        promise: "≤ 1.2",
      });
      const [search, token] = [
        "GET /consent/v0/consents/search?current=true",
        "GET /consent/v0/consents/token/:token",
      ];
      return [
        row(search, "p50", p50.manySearch, p50.fewSearch),
        row(search, "p99", p99("manySearch"), p99("fewSearch")),
        row(token, "p50", p50.manyToken, p50.fewToken),
        row(token, "p99", p99("manyToken"), p99("fewToken")),
      ];
    }),
  );
}

type Ask = (what: "search" | "token") => Promise<{ p50Ms: number; p99Ms: number }>;

async function withFilled<T>(
  startStack: StartStack,
  events: number,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  return withStack(
    startStack,
    async (stack) => {
      const tenant = await createTenant(stack, keyCount);
      await fillEvents(stack, tenant, events);
      return work((what) => askRandomly(stack, tenant, events, what));
    },
    { pipeline: false },
  );
}

/** Each time others, so that no cache has seen most of many. */
function askRandomly({ apiUrl }: Stack, { keys }: Tenant, events: number, what: "search" | "token") {
  const subjects = Math.floor(events / EVENTS_PER_SUBJECT);
  const pathOf = () =>
    what === "token"
      ? `/consent/v0/consents/token/${tokenOf(1 + randomInt(events))}`
      : `/consent/v0/consents/search?${new URLSearchParams({
          subject: subjectOf(1 + randomInt(subjects)),
          issuer: ISSUER,
          target: TARGET,
          current: "true",
        })}`;
  return loadWithoutErrors({
    url: apiUrl,
    seconds,
    connections,
    distinct: readsBuilt,
    repeat: true,
    request: (i) => ({
      method: "GET",
      path: pathOf(),
      headers: { authorization: `Bearer ${keys[i % keys.length]!}` },
    }),
  });
}

const subjectOf = (n: number) => `subject-${n}`;
const tokenOf = (n: number) => n.toString(36).toUpperCase().padStart(6, "0");

// As an event that the API has recorded, under other names: `n` counts the events, four to a subject.
const FILL = `
  INSERT INTO app.consents (tenant_id, id, seq, surface, action, grant_stands, record_digest, lasting, personal,
    person_digest, thread_digest, thread_position, short_token, issuer, target, scope, created_at)
  SELECT c.tenant_id, uuidv7(), 1024 + n, c.surface, c.action, c.grant_stands, sha256(int8send(n)), c.lasting, c.personal,
         substr(sha256(convert_to(format('["%s","subject-%s"]', c.tenant_id, 1 + (n - 1) % $3::bigint), 'UTF8')), 1, 16),
         substr(sha256(convert_to(format('["receipts","subject-%s","%s","%s","scope-%s"]', 1 + (n - 1) % $3::bigint, c.issuer, c.target, (n - 1) / $3::bigint), 'UTF8')), 1, 16),
         1, lpad(upper(app.bench_base36(n)), 6, '0'), c.issuer, c.target, 'scope-' || (n - 1) / $3::bigint, c.created_at
  FROM app.consents c, generate_series(1, $2::bigint) AS n WHERE c.tenant_id = $1`;
const BASE36 = `
  CREATE FUNCTION app.bench_base36(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(substr('0123456789abcdefghijklmnopqrstuvwxyz', (n / (36 ^ place)::bigint % 36)::int + 1, 1), '' ORDER BY place DESC)
    FROM generate_series(0, 5) AS place $$`;

/** Writes events straight into the table, each as long as the one that the API has recorded. */
async function fillEvents(stack: Stack, { id, keys }: Tenant, events: number): Promise<void> {
  const response = await fetch(`${stack.apiUrl}/consent/v0/consents`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys[0]}`, "content-type": "application/json" },
    body: JSON.stringify({
      subject: subjectOf(0),
      issuer: ISSUER,
      target: TARGET,
      source: "https://foo.example/login",
      scope: "personalization",
      action: true,
    }),
  });
  if (response.status !== 201) throw new Error(`the event was answered ${response.status}`);
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    await client.query(BASE36);
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition
       FROM pg_index WHERE indrelid = 'app.consents'::regclass AND NOT indisprimary`,
    );
    // Built over a full table, indexes come sooner.
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
    await client.query("SET synchronous_commit = off");
    await client.query("SET maintenance_work_mem = '512MB'");
    await client.query(FILL, [id, events, Math.floor(events / EVENTS_PER_SUBJECT)]);
    for (const { definition } of indexes) await client.query(definition);
    await client.query("VACUUM ANALYZE app.consents");
    await client.query("CHECKPOINT"); // or it runs while answers are measured
    await expectFound(client, id);
  } finally {
    await client.end();
  }
}

/** That what was filled is what the API would look for. */
async function expectFound(client: pg.Client, tenantId: string): Promise<void> {
  const person = hash("sha256", JSON.stringify([tenantId, subjectOf(1)])).slice(0, 32);
  const { rows } = await client.query<{ events: number }>(
    "SELECT count(*)::int AS events FROM app.consents WHERE tenant_id = $1 AND person_digest = decode($2, 'hex')",
    [tenantId, person],
  );
  if (rows[0]!.events !== EVENTS_PER_SUBJECT) throw new Error(`${rows[0]!.events} events of a subject`);
}
