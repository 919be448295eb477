import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { answer, hang, type Receiver, startReceiver } from "#test/support/receiver.ts";
import { until } from "#test/support/until.ts";
import { startWebhookWorker, type WebhookWorker } from "#test/support/webhookWorker.ts";

let api: TestApi;
let receiver: Receiver;
let worker: WebhookWorker | null;

beforeAll(async () => {
  api = await startTestApi({ WEBHOOK_ALLOW_LOOPBACK: "1" });
});
afterAll(() => api.stop());
beforeEach(async () => {
  receiver = await startReceiver();
  worker = null;
});
afterEach(async () => {
  await receiver.stop();
  await worker?.stop();
});

type Hook = { key: string; tenantId: string; id: string; secret: string };

const ask = (key: string, method: string, path: string, body?: unknown) =>
  call(api.apiUrl, method, path, { key, ...(body === undefined ? {} : { body }) });

async function createHook(options: { url?: string; key?: string; events?: string[] } = {}): Promise<Hook> {
  const tenant = await createTenantKey(api, { scopes: ["query", "submit"] });
  const body = { url: options.url ?? receiver.url, ...(options.events ? { events: options.events } : {}) };
  const { body: made, status } = await ask(tenant.key, "POST", "/v1/webhooks", body);
  expect(status).toBe(201);
  return { ...tenant, id: made.id, secret: made.secret };
}

async function sendTest({ key, id }: Hook) {
  const { status, body } = await ask(key, "POST", `/v1/webhooks/${id}/test`);
  expect(status).toBe(202);
  return body as { id: string; eventId: string; status: string };
}

const deliveriesOf = async ({ key, id }: Hook) =>
  (await ask(key, "GET", `/v1/webhooks/${id}/deliveries`)).body.data as {
    id: string;
    eventId: string;
    status: string;
    attempt: number;
    httpStatus: number | null;
    durationMs: number;
    error: string | null;
  }[];

const untilEnded = (hook: Hook, deliveryId: string, deadlineMs = 40_000) =>
  until(
    async () => {
      const found = (await deliveriesOf(hook)).find(({ id }) => id === deliveryId);
      return found && found.status !== "pending" ? found : null;
    },
    { deadlineMs, intervalMs: 50 },
  );

const deadLettersOf = async ({ tenantId }: Hook) => {
  const { body } = await ask(api.adminKey, "GET", "/admin/dlq?limit=100");
  return body.data.filter(({ data }: { data: { tenantId: string } }) => data.tenantId === tenantId);
};

const start = async (options?: Parameters<typeof startWebhookWorker>[1]) => {
  worker = await startWebhookWorker(api.databaseUrl, options);
  return worker;
};

describe("HA-10 a delivery", () => {
  test("is {id,type,createdAt,data}, signed in both ways, and stands in the log with status and duration", async () => {
    const hook = await createHook({ events: ["hash.anchored"] });
    await start();
    const sent = await sendTest(hook);
    expect(sent).toMatchObject({ status: "pending", eventId: expect.any(String) });
    const ended = await untilEnded(hook, sent.id);
    expect(ended).toMatchObject({
      id: sent.id,
      webhookId: hook.id,
      eventType: "webhook.test",
      status: "delivered",
      attempt: 1,
      httpStatus: 204,
      durationMs: expect.any(Number),
      error: null,
    });
    const [received] = receiver.calls;
    const body = JSON.parse(received!.body);
    expect(body).toEqual({
      id: sent.eventId,
      type: "webhook.test",
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: { webhookId: hook.id },
    });
    expect(received!.headers).toMatchObject({ "webhook-id": body.id, "content-type": "application/json" });
    expect(
      new Webhook(hook.secret).verify(received!.body, received!.headers as Record<string, string>),
    ).toEqual(body);
    expect(JSON.stringify(await deliveriesOf(hook))).not.toContain(hook.secret);
    expect(worker!.log.join("")).not.toContain(hook.secret);
  });

  test("can be replayed: the same id and body, signed anew, with a log entry of its own", async () => {
    const hook = await createHook();
    await start();
    const first = (await untilEnded(hook, (await sendTest(hook)).id))!;
    const path = `/v1/webhooks/${hook.id}/deliveries/${first.id}/replay`;
    const { status, body: again } = await ask(hook.key, "POST", path);
    expect(status).toBe(202);
    expect(again).toMatchObject({ eventId: first.eventId, status: "pending", attempt: 0 });
    expect(again.id).not.toBe(first.id);
    expect(await untilEnded(hook, again.id)).toMatchObject({ status: "delivered" });
    const [one, two] = receiver.calls;
    expect(two!.body).toBe(one!.body);
    expect(two!.headers["webhook-id"]).toBe(one!.headers["webhook-id"]);
    expect(new Webhook(hook.secret).verify(two!.body, two!.headers as Record<string, string>)).toBeTruthy();
    expect((await deliveriesOf(hook)).map(({ id }) => id)).toEqual([again.id, first.id]);
  });

  test("that is under way cannot be replayed", async () => {
    const hook = await createHook();
    const sent = await sendTest(hook);
    const path = `/v1/webhooks/${hook.id}/deliveries/${sent.id}/replay`;
    expect(await ask(hook.key, "POST", path)).toMatchObject({
      status: 409,
      body: { error: "The delivery is under way" },
    });
  });
});

describe("HA-11 a delivery that fails", () => {
  test("is made again after 1 s, 5 s and 15 s, with the same webhook-id, then is a dead letter", async () => {
    receiver.behave(answer(500));
    const hook = await createHook();
    await start();
    const sent = await sendTest(hook);
    expect(await untilEnded(hook, sent.id)).toMatchObject({
      status: "dead",
      attempt: 4,
      httpStatus: 500,
      error: "answered 500",
    });
    expect(receiver.calls).toHaveLength(4);
    expect(new Set(receiver.calls.map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([sent.eventId]),
    );
    const pauses = receiver.calls.slice(1).map(({ atMs }, i) => atMs - receiver.calls[i]!.atMs);
    for (const [i, promisedMs] of [1_000, 5_000, 15_000].entries())
      expect(pauses[i]).toBeGreaterThanOrEqual(promisedMs - 20);
    const { rows } = await api.db.pool.query(
      `SELECT extract(epoch FROM start_after - created_on)::float AS pause FROM jobs.job
       WHERE name = 'webhook-delivery' AND data ->> 'deliveryId' = $1 ORDER BY created_on`,
      [sent.id],
    );
    expect(rows.map(({ pause }) => pause)).toEqual([0, 1, 5, 15]);
    const dead = await deadLettersOf(hook);
    expect(dead).toEqual([
      {
        id: expect.any(String),
        data: {
          queue: "webhook-delivery",
          tenantId: hook.tenantId,
          webhookId: hook.id,
          deliveryId: sent.id,
          eventType: "webhook.test",
          error: "answered 500",
        },
        timestamp: expect.any(Number),
      },
    ]);
    expect(Math.abs(dead[0].timestamp - Date.now() / 1_000)).toBeLessThan(60);
  });

  test("goes on where the receiver recovers", async () => {
    receiver.behave((response) => response.writeHead(receiver.calls.length === 1 ? 503 : 200).end());
    const hook = await createHook();
    await start();
    expect(await untilEnded(hook, (await sendTest(hook)).id)).toMatchObject({
      status: "delivered",
      attempt: 2,
    });
  });

  test("without an answer in time counts like a refusal", async () => {
    receiver.behave(hang);
    const hook = await createHook();
    await start({ timeoutMs: 200 });
    const sent = await sendTest(hook);
    await until(async () => (await deliveriesOf(hook))[0]!.attempt === 1);
    expect(await deliveriesOf(hook)).toMatchObject([
      { id: sent.id, status: "pending", httpStatus: null, error: "no whole answer within 200 ms" },
    ]);
  });
});

describe("HA-18 dead letters", () => {
  /** A delivery that was given up at its last attempt, without waiting for the pauses. */
  async function giveUp(hook: Hook): Promise<string> {
    const { id } = await sendTest(hook);
    await api.db.pool.query("UPDATE app.webhook_deliveries SET attempt = 3 WHERE id = $1", [id]);
    return id;
  }

  test("are counted and listed in the source's shape, and are the operator's alone", async () => {
    receiver.behave(answer(404));
    const hook = await createHook();
    const deliveryId = await giveUp(hook);
    await start();
    await until(async () => (await deadLettersOf(hook)).length === 1);
    const { status, body } = await ask(api.adminKey, "GET", "/admin/dlq/stats");
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["counts", "recentJobs"]);
    expect(body.counts).toEqual({
      completed: expect.any(Number),
      waiting: expect.any(Number),
      active: 0,
    });
    expect(body.recentJobs[0]).toEqual({
      id: expect.any(String),
      data: expect.objectContaining({ deliveryId }),
      timestamp: expect.any(Number),
    });
    expect((await ask(hook.key, "GET", "/admin/dlq/stats")).status).toBe(403);
    const page = await ask(api.adminKey, "GET", "/admin/dlq?page=1&limit=1");
    expect(page.body).toMatchObject({
      data: [body.recentJobs[0]],
      pagination: { page: 1, limit: 1, total: body.counts.waiting },
    });
    const metrics = await fetch(`${api.apiUrl}/metrics`).then((response) => response.text());
    expect(metrics).toMatch(/^holdfast_jobs\{queue="dead-letters",state="waiting"\} [1-9]/m);
    expect(metrics).toMatch(/^holdfast_webhook_attempts_total\{outcome="dead"\} [1-9]/m);
  });

  test("can be retried once, with all attempts again", async () => {
    receiver.behave(answer(500));
    const hook = await createHook();
    const deliveryId = await giveUp(hook);
    await start();
    const [dead] = await until(async () => {
      const found = await deadLettersOf(hook);
      return found.length > 0 ? found : null;
    });
    receiver.behave(answer(200));
    const retries = await Promise.all(
      [1, 2, 3].map(() => ask(api.adminKey, "POST", `/admin/dlq/${dead.id}/retry`)),
    );
    expect(retries.map(({ status }) => status).sort()).toEqual([202, 404, 404]);
    await until(async () => (await deliveriesOf(hook))[0]!.status === "delivered");
    expect(await deliveriesOf(hook)).toMatchObject([{ id: deliveryId, attempt: 1 }]);
    expect(await deadLettersOf(hook)).toEqual([]);
    const { body } = await ask(api.adminKey, "GET", "/admin/dlq/stats");
    expect(body.counts.completed).toBeGreaterThan(0);
  });

  test("can be discarded; the delivery stays dead in its log, and can be replayed", async () => {
    receiver.behave(answer(500));
    const hook = await createHook();
    const deliveryId = await giveUp(hook);
    await start();
    const [dead] = await until(async () => {
      const found = await deadLettersOf(hook);
      return found.length > 0 ? found : null;
    });
    expect((await ask(api.adminKey, "DELETE", `/admin/dlq/${dead.id}`)).status).toBe(204);
    expect((await ask(api.adminKey, "DELETE", `/admin/dlq/${dead.id}`)).status).toBe(404);
    expect((await ask(api.adminKey, "POST", `/admin/dlq/${dead.id}/retry`)).status).toBe(404);
    expect((await ask(api.adminKey, "DELETE", "/admin/dlq/x")).status).toBe(404);
    expect(await deliveriesOf(hook)).toMatchObject([{ id: deliveryId, status: "dead" }]);
    receiver.behave(answer(200));
    const replayed = await ask(hook.key, "POST", `/v1/webhooks/${hook.id}/deliveries/${deliveryId}/replay`);
    expect(await untilEnded(hook, replayed.body.id)).toMatchObject({ status: "delivered" });
  });

  test("answer 503 where the database has no queue", async () => {
    await api.db.pool.query("ALTER SCHEMA jobs RENAME TO jobs_away");
    try {
      expect(await ask(api.adminKey, "GET", "/admin/dlq/stats")).toMatchObject({
        status: 503,
        body: { error: "The dead letter queue is not configured" },
      });
    } finally {
      await api.db.pool.query("ALTER SCHEMA jobs_away RENAME TO jobs");
    }
  });
});

describe("a webhook that", () => {
  test("is disabled gets nothing, also of what was under way", async () => {
    const hook = await createHook();
    const sent = await sendTest(hook);
    await ask(hook.key, "PATCH", `/v1/webhooks/${hook.id}`, { status: "disabled" });
    await start();
    expect(await untilEnded(hook, sent.id)).toMatchObject({
      status: "cancelled",
      error: "the webhook is disabled",
    });
    expect(receiver.connections()).toBe(0);
  });

  test("is a suspended tenant's gets nothing", async () => {
    const hook = await createHook();
    const sent = await sendTest(hook);
    await ask(api.adminKey, "PATCH", `/admin/tenants/${hook.tenantId}`, { status: "suspended" });
    await start();
    const ended = await until(async () => {
      const { rows } = await api.db.pool.query(
        "SELECT status, error FROM app.webhook_deliveries WHERE id = $1 AND status <> 'pending'",
        [sent.id],
      );
      return rows.length > 0 ? rows : null;
    });
    expect(ended).toEqual([{ status: "cancelled", error: "the tenant is suspended" }]);
    expect(receiver.connections()).toBe(0);
  });

  test("is deleted while a delivery is under way leaves nothing that is retried or reported", async () => {
    const arrived = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    receiver.behave(async (response) => {
      arrived.resolve();
      await goOn.promise;
      response.writeHead(500).end();
    });
    const hook = await createHook();
    await start();
    await sendTest(hook);
    await arrived.promise;
    expect((await ask(hook.key, "DELETE", `/v1/webhooks/${hook.id}`)).status).toBe(204);
    goOn.resolve();
    await until(async () => (await openJobsOf(hook)) === 0);
    expect(await deadLettersOf(hook)).toEqual([]);
    expect(receiver.calls).toHaveLength(1);
    expect(worker!.log.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });

  test("moves is called at its new URL by the next attempt", async () => {
    receiver.behave(answer(500));
    const elsewhere = await startReceiver();
    const hook = await createHook();
    await start();
    const sent = await sendTest(hook);
    await until(() => receiver.calls.length === 1);
    await ask(hook.key, "PATCH", `/v1/webhooks/${hook.id}`, { url: elsewhere.url });
    expect(await untilEnded(hook, sent.id)).toMatchObject({ status: "delivered", attempt: 2 });
    expect(elsewhere.calls).toHaveLength(1);
    await elsewhere.stop();
  });

  test("has a secret that cannot be opened here fails, and says so", async () => {
    const hook = await createHook();
    await api.db.pool.query("UPDATE app.webhooks SET secret = $2 WHERE id = $1", [
      hook.id,
      Buffer.alloc(64, 1),
    ]);
    await sendTest(hook);
    await start();
    await until(async () => (await deliveriesOf(hook))[0]!.attempt === 1);
    expect(await deliveriesOf(hook)).toMatchObject([
      { status: "pending", error: "the webhook's secret cannot be opened here" },
    ]);
    expect(receiver.connections()).toBe(0);
  });
});

async function openJobsOf({ tenantId }: Hook): Promise<number> {
  const { rows } = await api.db.pool.query(
    "SELECT count(*) AS jobs FROM jobs.job WHERE name = 'webhook-delivery' AND group_id = $1 AND state IN ('created', 'retry', 'active')",
    [tenantId],
  );
  return rows[0].jobs;
}

describe("a receiver that hangs", () => {
  test("has ten of the attempts under way at most, and delays nobody else's", async () => {
    receiver.behave(hang);
    const slow = await createHook();
    for (let i = 0; i < 30; i++) await sendTest(slow);
    await start({ timeoutMs: 15_000 });
    await until(() => receiver.calls.length === 10);
    const healthy = await startReceiver();
    const hook = await createHook({ url: healthy.url });
    const sent = await Promise.all(Array.from({ length: 50 }, () => sendTest(hook)));
    // All of them while the ten still hang: none of those has ended yet.
    await until(() => healthy.calls.length === sent.length);
    expect(receiver.calls).toHaveLength(10);
    expect((await deliveriesOf(slow)).every(({ attempt }) => attempt === 0)).toBe(true);
    await healthy.stop();
  });
});

test("an attempt whose outcome cannot be stored is made again, and nothing is lost", async () => {
  const hook = await createHook();
  await start();
  const jobs = "ALTER TABLE app.webhook_deliveries";
  await api.db.pool.query(`${jobs} ADD CONSTRAINT no_outcomes CHECK (attempt = 0) NOT VALID`);
  const sent = await sendTest(hook);
  await until(() => receiver.calls.length === 1);
  await until(() => worker!.log.some((line) => line.includes("not settled") && line.includes(sent.id)));
  await api.db.pool.query(`${jobs} DROP CONSTRAINT no_outcomes`);
  expect(await untilEnded(hook, sent.id, 50_000)).toMatchObject({ status: "delivered", attempt: 1 });
  expect(receiver.calls.length).toBeGreaterThanOrEqual(2);
  expect(new Set(receiver.calls.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});
