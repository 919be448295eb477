import { randomBytes, randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "#api/db/client.ts";
import { withTransaction } from "#api/db/transaction.ts";
import { newId, smallestIdAt } from "#api/newId.ts";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { until } from "#test/support/until.ts";
import { startWebhookWorker, type WebhookWorker } from "#test/support/webhookWorker.ts";
import { fanOutEvents } from "./fanOutEvents.ts";
import { forgetDeliveries } from "./forgetDeliveries.ts";
import { recordAnchored, recordEvent } from "./recordEvent.ts";

let api: TestApi;
let db: Database;
/** Has a queue and works on nothing. */
let idle: WebhookWorker;

beforeAll(async () => {
  await loadKeccak();
  api = await startTestApi();
  db = api.db;
  idle = await startWebhookWorker(api.databaseUrl, { delivers: false, fansOut: false });
  await idle.jobs.boss();
});
afterAll(async () => {
  await idle.stop();
  await api.stop();
});

const logged: string[] = [];
const logger = pino({ level: "error" }, { write: (line: string) => logged.push(line) });
const fanOut = () => fanOutEvents({ db, jobs: idle.jobs, clock: () => new Date(), logger });

type Hook = { tenantId: string; key: string; id: string };

async function createHook(events: string[], tenant?: Hook): Promise<Hook> {
  const owner = tenant ?? (await createTenantKey(api, { scopes: ["query"] }));
  const body = { url: "https://hooks.invalid/", events };
  const made = await call(api.apiUrl, "POST", "/v1/webhooks", { key: owner.key, body });
  return { tenantId: owner.tenantId, key: owner.key, id: made.body.id };
}

type StoredDelivery = { event_id: string; event_type: string; body: string };
async function storedFor({ id }: Hook): Promise<StoredDelivery[]> {
  const { rows } = await db.pool.query(
    `SELECT d.event_id, d.event_type, d.body FROM app.webhook_deliveries d
     JOIN jobs.job j ON j.name = 'webhook-delivery' AND j.data ->> 'deliveryId' = d.id::text
     WHERE d.webhook_id = $1 ORDER BY d.id`,
    [id],
  );
  return rows;
}
const outboxOf = async ({ id }: Hook) => {
  const { rows } = await db.pool.query(
    "SELECT type, next_leaf FROM app.webhook_outbox WHERE webhook_id = $1",
    [id],
  );
  return rows;
};
/** As if everything stored so far had been delivered. */
const deliverAll = ({ id }: Hook) =>
  db.pool.query("UPDATE app.webhook_deliveries SET status = 'delivered' WHERE webhook_id = $1", [id]);

describe("HA-10 recordEvent", () => {
  const event = (tenantId: string) => ({
    tenantId,
    type: "consent.recorded" as const,
    data: { consentId: "1" },
    createdAt: new Date("2026-01-02T03:04:05.678Z"),
  });

  test("tells each webhook that wants the event, in the fact's transaction of either kind", async () => {
    const hook = await createHook(["consent.recorded"]);
    const second = await createHook(["consent.recorded", "hash.anchored"], hook);
    const deaf = await createHook(["consent.withdrawn"], hook);
    const stranger = await createHook(["consent.recorded"]);
    await withTransaction(db, (tx) => recordEvent(tx, event(hook.tenantId)));
    await db.orm.transaction((tx) => recordEvent(tx, event(hook.tenantId)));
    const refused = withTransaction(db, async (tx) => {
      await recordEvent(tx, event(hook.tenantId));
      throw new Error("refused");
    });
    await expect(refused).rejects.toThrow("refused");
    expect(await outboxOf(hook)).toHaveLength(2);
    await fanOut();
    const stored = await storedFor(hook);
    expect(stored).toHaveLength(2);
    expect(JSON.parse(stored[0]!.body)).toEqual({
      id: stored[0]!.event_id,
      type: "consent.recorded",
      createdAt: "2026-01-02T03:04:05.678Z",
      data: { consentId: "1" },
    });
    // One event has one id, whichever webhook it goes to.
    expect((await storedFor(second)).map(({ body }) => body)).toEqual(stored.map(({ body }) => body));
    expect(await outboxOf(hook)).toEqual([]);
    expect(await storedFor(deaf)).toEqual([]);
    expect(await storedFor(stranger)).toEqual([]);
  });

  test("stores nothing for a disabled webhook, and what waited for it is dropped", async () => {
    const hook = await createHook(["consent.recorded"]);
    await withTransaction(db, (tx) => recordEvent(tx, event(hook.tenantId)));
    const path = `/v1/webhooks/${hook.id}`;
    await call(api.apiUrl, "PATCH", path, { key: hook.key, body: { status: "disabled" } });
    await withTransaction(db, (tx) => recordEvent(tx, event(hook.tenantId)));
    expect(await outboxOf(hook)).toEqual([]);
    await call(api.apiUrl, "PATCH", path, { key: hook.key, body: { status: "active" } });
    await fanOut();
    expect(await storedFor(hook)).toEqual([]);
  });
});

test("what a fact stored for a webhook that was deleted meanwhile is dropped", async () => {
  const hook = await createHook(["consent.recorded"]);
  const webhookId = randomUUID();
  await db.pool.query(
    "INSERT INTO app.webhook_outbox (tenant_id, webhook_id, id, type, data, created_at) VALUES ($1, $2, $3, 'consent.recorded', '{}', now())",
    [hook.tenantId, webhookId, newId()],
  );
  await fanOut();
  expect(await outboxOf({ ...hook, id: webhookId })).toEqual([]);
});

test("a webhook whose events cannot be stored does not hold up those after it", async () => {
  // In the order of the look: the one in trouble first.
  const [troubled, healthy] = (
    await Promise.all([createHook(["consent.recorded"]), createHook(["consent.recorded"])])
  ).sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
  for (const hook of [troubled!, healthy!])
    await withTransaction(db, (tx) =>
      recordEvent(tx, { tenantId: hook.tenantId, type: "consent.recorded", data: {}, createdAt: new Date() }),
    );
  await db.pool.query(
    "UPDATE app.webhook_outbox SET type = 'hash.anchored', data = '{}' WHERE webhook_id = $1",
    [troubled!.id],
  );
  await fanOut();
  expect(await storedFor(healthy!)).toHaveLength(1);
  expect(await outboxOf(troubled!)).toHaveLength(1);
  expect(logged.some((line) => line.includes(troubled!.id))).toBe(true);
  await db.pool.query("DELETE FROM app.webhook_outbox WHERE webhook_id = $1", [troubled!.id]);
});

/** An anchored batch as the pipeline leaves it, with `own` hashes of each tenant. */
async function anchorBatch(tenantIds: string[], own: number) {
  const leaves = tenantIds.flatMap((tenantId) =>
    Array.from({ length: own }, () => ({ tenantId, hash: randomBytes(32), id: newId() })),
  );
  const tree = buildTree(Buffer.concat(leaves.map(({ hash }) => hash)));
  const batch = {
    batchId: randomUUID(),
    merkleRoot: `0x${Buffer.from(tree.root).toString("hex")}` as const,
    anchor: {
      chainId: UNREACHABLE_CHAIN_ID,
      contractAddress: `0x${"c0".repeat(20)}` as const,
      txHash: `0x${"07".repeat(32)}` as const,
      blockNumber: 7,
      blockHash: `0x${randomBytes(32).toString("hex")}` as const,
      blockTimestamp: 1_800_000_000,
      publisher: `0x${"00".repeat(20)}` as const,
      logIndex: 0,
      leafCount: tree.leafCount,
    },
  };
  const anchoredAt = new Date("2026-01-02T03:04:05Z");
  await withTransaction(db, async (tx) => {
    await tx.query(
      `INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at, tx_hash, block_number, block_hash,
         block_timestamp, log_index, gas_used, anchored_at)
       VALUES ($1, $2, $3, $4, $5, 'anchored', $6, $7, 7, $8, 1800000000, 0, 1, $6)`,
      [
        batch.batchId,
        UNREACHABLE_CHAIN_ID,
        Buffer.alloc(20),
        Buffer.from(tree.root),
        tree.leafCount,
        anchoredAt,
        Buffer.alloc(32, 7),
        Buffer.from(batch.anchor.blockHash.slice(2), "hex"),
      ],
    );
    await tx.query("INSERT INTO app.batch_trees VALUES ($1, $2)", [batch.batchId, Buffer.from(tree.nodes)]);
    await tx.query(
      "INSERT INTO app.batch_tenants (tenant_id, batch_id, hashes) SELECT unnest($1::uuid[]), $2, $3",
      [tenantIds, batch.batchId, own],
    );
    await tx.query(
      `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, external_id, created_at, batch_id, leaf_index)
       SELECT hash, tenant_id, id, $4, 'ext-' || leaf, now(), $5, leaf - 1
       FROM unnest($1::bytea[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS given (hash, tenant_id, id, leaf)`,
      [
        leaves.map(({ hash }) => hash),
        leaves.map(({ tenantId }) => tenantId),
        leaves.map(({ id }) => id),
        UNREACHABLE_CHAIN_ID,
        batch.batchId,
      ],
    );
    await recordAnchored(tx, { ...batch, anchoredAt });
  });
  return { ...batch, leaves };
}

describe("HA-10 recordAnchored", () => {
  test("tells of each of the tenant's own hashes, and of the batch once, with the facts that were compared", async () => {
    const hook = await createHook(["hash.anchored", "batch.anchored"]);
    const other = await createHook(["hash.anchored"]);
    const outsider = await createHook(["hash.anchored", "batch.anchored"]);
    const batch = await anchorBatch([hook.tenantId, other.tenantId], 3);
    await until(async () => !(await fanOut()));
    const { batchId, merkleRoot, anchor } = batch;
    const bodies = (await storedFor(hook)).map(({ body }) => JSON.parse(body));
    const ofHashes = bodies.filter(({ type }) => type === "hash.anchored");
    const own = batch.leaves.filter(({ tenantId }) => tenantId === hook.tenantId);
    expect(ofHashes.map(({ data }) => data)).toEqual(
      own.map(({ id, hash }, i) => ({
        id,
        hash: `0x${hash.toString("hex")}`,
        externalId: `ext-${i + 1}`,
        status: "anchored",
        batchId,
        merkleRoot,
        anchor,
      })),
    );
    expect(bodies.filter(({ type }) => type === "batch.anchored")).toEqual([
      {
        id: expect.any(String),
        type: "batch.anchored",
        createdAt: "2026-01-02T03:04:05.000Z",
        data: { batchId, merkleRoot, hashes: 3, status: "anchored", anchor },
      },
    ]);
    expect(await storedFor(other)).toHaveLength(3);
    expect(await storedFor(outsider)).toEqual([]);
  });

  test("is one outbox row per webhook and type, however many hashes; they are told of as they are delivered", async () => {
    const hook = await createHook(["hash.anchored"]);
    const stranger = await createTenantKey(api);
    // The stranger's leaves come first: whole slices of the tree hold nothing of the tenant's.
    const batch = await anchorBatch([stranger.tenantId, hook.tenantId], 1_300);
    expect(await outboxOf(hook)).toEqual([{ type: "hash.anchored", next_leaf: 0 }]);
    const seen: string[] = [];
    for (let round = 0; seen.length < 1_300; round++) {
      await fanOut();
      const stored = (await storedFor(hook)).map(({ event_id }) => event_id);
      // Never more than 50 wait.
      expect(stored.length - seen.length).toBeLessThanOrEqual(50);
      seen.splice(0, seen.length, ...stored);
      expect(round).toBeLessThan(40);
      await deliverAll(hook);
    }
    await fanOut();
    expect(await outboxOf(hook)).toEqual([]);
    expect(new Set(seen).size).toBe(1_300);
    const hashes = (await storedFor(hook)).map(({ body }) => JSON.parse(body).data.hash);
    const own = batch.leaves.filter(({ tenantId }) => tenantId === hook.tenantId);
    expect(hashes).toEqual(own.map(({ hash }) => `0x${hash.toString("hex")}`));
  });

  test("after a reorganisation tells nothing more of the block that is gone, and of the new one everything, with new ids", async () => {
    const hook = await createHook(["hash.anchored"]);
    const { batchId, merkleRoot, anchor } = await anchorBatch([hook.tenantId], 60);
    await fanOut();
    const before = await storedFor(hook);
    expect(before).toHaveLength(50);
    await deliverAll(hook);
    const blockHash = `0x${randomBytes(32).toString("hex")}` as const;
    await db.pool.query("UPDATE app.batches SET block_hash = $2 WHERE id = $1", [
      batchId,
      Buffer.from(blockHash.slice(2), "hex"),
    ]);
    const anew = { batchId, merkleRoot, anchor: { ...anchor, blockHash } };
    await withTransaction(db, (tx) => recordAnchored(tx, { ...anew, anchoredAt: new Date() }));
    for (let round = 0; round < 3; round++) {
      await fanOut();
      await deliverAll(hook);
    }
    const after = (await storedFor(hook)).slice(50);
    expect(after).toHaveLength(60);
    for (const { body } of after) expect(JSON.parse(body).data.anchor.blockHash).toBe(blockHash);
    const ids = new Set([...before, ...after].map(({ event_id }) => event_id));
    expect(ids.size).toBe(110);
  });
});

describe("a webhook that fails", () => {
  const fill = async (hook: Hook, events: number) => {
    for (let i = 0; i < events; i++)
      await withTransaction(db, (tx) =>
        recordEvent(tx, { tenantId: hook.tenantId, type: "hash.failed", data: { i }, createdAt: new Date() }),
      );
  };

  test("has five deliveries under way instead of fifty, and a healthy one of the same tenant is not held up", async () => {
    const failing = await createHook(["hash.failed"]);
    const healthy = await createHook(["hash.failed"], failing);
    await db.pool.query("UPDATE app.webhooks SET is_failing = true WHERE id = $1", [failing.id]);
    await fill(failing, 70);
    await fanOut();
    expect(await storedFor(failing)).toHaveLength(5);
    expect(await storedFor(healthy)).toHaveLength(50);
    await deliverAll(healthy);
    await fanOut();
    expect(await storedFor(failing)).toHaveLength(5);
    expect(await storedFor(healthy)).toHaveLength(70);
    expect(await outboxOf(failing)).toHaveLength(65);
  });
});

test("several workers that fan out at once store each event once", async () => {
  const hook = await createHook(["hash.anchored", "batch.anchored"]);
  for (let i = 0; i < 3; i++) await anchorBatch([hook.tenantId], 10);
  await Promise.all([1, 2, 3, 4].map(fanOut));
  await fanOut();
  const stored = await storedFor(hook);
  expect(stored).toHaveLength(33);
  expect(new Set(stored.map(({ event_id }) => event_id)).size).toBe(33);
});

test("deliveries that ended are forgotten after 30 days, by a schedule; those that wait are not", async () => {
  const hook = await createHook(["consent.recorded"]);
  const now = new Date("2026-06-30T12:00:00Z");
  const insert = (at: string, status: string) =>
    db.pool.query(
      `INSERT INTO app.webhook_deliveries (tenant_id, webhook_id, id, event_id, event_type, body, status, created_at)
       VALUES ($1, $2, $3, $4, 'consent.recorded', $5, $6, $7)`,
      [hook.tenantId, hook.id, smallestIdAt(Date.parse(at)), newId(), `${status} ${at}`, status, at],
    );
  await insert("2026-05-31T11:59:59Z", "delivered");
  await insert("2026-05-31T11:59:58Z", "dead");
  await insert("2026-05-31T11:59:57Z", "pending");
  await insert("2026-05-31T12:00:01Z", "delivered");
  expect(await forgetDeliveries(db, now)).toBe(2);
  const { rows } = await db.pool.query(
    "SELECT body FROM app.webhook_deliveries WHERE webhook_id = $1 ORDER BY id",
    [hook.id],
  );
  expect(rows.map(({ body }) => body)).toEqual([
    "pending 2026-05-31T11:59:57Z",
    "delivered 2026-05-31T12:00:01Z",
  ]);
  const schedules = await db.pool.query("SELECT name, cron FROM jobs.schedule");
  expect(schedules.rows).toContainEqual({ name: "webhook-retention", cron: "17 * * * *" });
});
