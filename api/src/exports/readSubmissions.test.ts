import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { newId } from "../newId.ts";
import { readSubmissions } from "./readSubmissions.ts";

const CHAINS = [UNREACHABLE_CHAIN_ID, 77];
const ALL = { createdFrom: null, createdBefore: null };

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.db.pool.query(
    `INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations)
     SELECT 77, 'other', rpc_url, contract_address, publisher, 1 FROM app.chains`,
  );
});
afterAll(() => api.stop());

/** @returns the ids. */
async function accept(tenantId: string, chainIds: number[], createdAt = new Date()): Promise<string[]> {
  const ids = chainIds.map(newId);
  await api.db.pool.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at)
     SELECT sha256(uuid_send(id)), $1, id, chain_id, $4 FROM unnest($2::uuid[], $3::bigint[]) AS new (id, chain_id)`,
    [tenantId, ids, chainIds, createdAt],
  );
  return ids;
}

/** Seals a chain's oldest hashes, of all tenants, as the sealer does. */
async function seal(chainId: number, leaves: number): Promise<void> {
  await api.db.pool.query(
    `UPDATE app.submissions s SET batch_id = $1, leaf_index = 0 FROM (
       SELECT content_hash, tenant_id FROM app.submissions WHERE chain_id = $2 AND batch_id IS NULL ORDER BY id LIMIT $3) oldest
     WHERE s.content_hash = oldest.content_hash AND s.tenant_id = oldest.tenant_id`,
    [newId(), chainId, leaves],
  );
}

const step = fc.record({
  seal: fc.array(fc.record({ chainId: fc.constantFrom(...CHAINS), leaves: fc.integer({ min: 1, max: 9 }) }), {
    maxLength: 3,
  }),
  accept: fc.array(fc.constantFrom(...CHAINS), { maxLength: 5 }),
});

test("HA-12 an export reads each hash once, in order, while hashes are accepted and sealed between its pages", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...CHAINS), { maxLength: 40 }),
      fc.array(step, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 8 }),
      async (accepted, steps, rowsPerPage) => {
        const tenantId = newId();
        const mine = await accept(tenantId, accepted);
        const later: string[] = [];
        const change = async () => {
          const next = steps.shift();
          for (const { chainId, leaves } of next?.seal ?? []) await seal(chainId, leaves);
          await accept(newId(), next?.accept ?? []); // another tenant's
          later.push(...(await accept(tenantId, next?.accept ?? [])));
        };
        await change();
        const before = [...mine, ...later];
        const read: string[] = [];
        for await (const page of readSubmissions(api.db, { tenantId, ...ALL }, rowsPerPage)) {
          expect(page.length).toBeLessThanOrEqual(rowsPerPage);
          read.push(...page.map(({ id }) => id));
          await change();
        }
        expect(read).toEqual([...read].sort());
        expect(new Set(read).size).toBe(read.length);
        expect(read).toEqual(expect.arrayContaining(before));
        expect([...mine, ...later]).toEqual(expect.arrayContaining(read));
      },
    ),
    { numRuns: 60 },
  );
});

test("HA-12 the time of submission decides, to the millisecond, also when a clock was set meanwhile", async () => {
  const tenantId = newId();
  const noon = new Date("2026-03-01T12:00:00.000Z");
  const at = (ms: number) => new Date(noon.getTime() + ms);
  await accept(tenantId, [77], at(-1));
  const [from] = await accept(tenantId, [77], noon);
  const [last] = await accept(tenantId, [77], at(999));
  await accept(tenantId, [77], at(1_000));
  // Ids that say 20 hours more than the times that the rows bear.
  await api.db.pool.query(
    "UPDATE app.submissions SET id = overlay(id::text placing $2 from 1 for 13)::uuid WHERE tenant_id = $1",
    [
      tenantId,
      at(20 * 3_600_000)
        .getTime()
        .toString(16)
        .padStart(12, "0")
        .replace(/^(.{8})/, "$1-"),
    ],
  );
  const ids = [];
  const selection = { tenantId, createdFrom: noon, createdBefore: at(1_000) };
  for await (const page of readSubmissions(api.db, selection, 10))
    ids.push(...page.map(({ id }) => id.slice(14)));
  expect(ids.sort()).toEqual([from!.slice(14), last!.slice(14)].sort());
});
