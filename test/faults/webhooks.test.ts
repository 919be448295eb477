import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { TEST_SECRET } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { accept, type Receiver, startReceiver } from "#test/support/receiver.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { expectInvariants, submitBatch, untilAnchored } from "./accepted.ts";
import { askNode } from "./askNode.ts";

/** A job whose worker died expires after 20 s, and is looked for every 5 s. */
const TAKEN_OVER_MS = 90_000;

let stack: TestStack;
let receiver: Receiver;
let key: string;
let webhookId: string;

beforeAll(async () => {
  stack = await startStack({
    settings: { WEBHOOK_ALLOW_LOOPBACK: "1", CHAIN_KEY_ENCRYPTION_SECRET: TEST_SECRET },
  });
});
afterAll(() => stack?.stop());
beforeEach(async () => {
  receiver = await startReceiver();
  ({ key } = await createTenantKey(stack, { scopes: ["submit", "query"] }));
  const body = { url: receiver.url, events: ["hash.anchored", "batch.anchored"] };
  const made = await call(stack.apiUrl, "POST", "/v1/webhooks", { key, body });
  expect(made.status).toBe(201);
  webhookId = made.body.id;
});
afterEach(() => receiver.stop());

const sendTest = () => call(stack.apiUrl, "POST", `/v1/webhooks/${webhookId}/test`, { key });

const untilDelivered = (deliveryId: string) =>
  until(
    async () => {
      const { body } = await call(stack.apiUrl, "GET", `/v1/webhooks/${webhookId}/deliveries`, { key });
      const found = body.data?.find(({ id }: { id: string }) => id === deliveryId);
      return found?.status === "delivered" ? found : null;
    },
    { deadlineMs: TAKEN_OVER_MS, intervalMs: 100 },
  );

type Received = { id: string; type: string; data: { hash: string; anchor: { blockHash: string } } };
const received = (): Received[] => receiver.calls.map(({ body }) => JSON.parse(body));

test("HA-11 a delivery whose worker is killed in the middle of it is made again by another, with the same id", async () => {
  let worker = stack.workers[0]!;
  const held = Promise.withResolvers<void>();
  receiver.behave(() => held.resolve());
  const sent = await sendTest();
  await held.promise;
  await worker.kill9();
  receiver.behave(accept);
  worker = await stack.startWorker();
  stack.workers[0] = worker;
  expect(await untilDelivered(sent.body.id)).toMatchObject({ attempt: 1, httpStatus: 204 });
  expect(receiver.calls).toHaveLength(2);
  expect(new Set(receiver.calls.map(({ headers }) => headers["webhook-id"]))).toEqual(
    new Set([sent.body.eventId]),
  );
});

test("HA-11 a worker that is told to stop lets its attempts end first", async () => {
  const held = Promise.withResolvers<void>();
  receiver.behave(async (response) => {
    held.resolve();
    await worker.waitForLine(/"msg":"stopping"/);
    response.writeHead(200).end();
  });
  const worker = stack.workers[0]!;
  const sent = await sendTest();
  await held.promise;
  expect(await worker.stop()).toMatchObject({ code: 0 });
  stack.workers[0] = await stack.startWorker();
  await untilDelivered(sent.body.id);
  expect(receiver.calls).toHaveLength(1);
});

test.for(["clean", "crash"] as const)(
  "HA-11 PostgreSQL restarts (%s) while a receiver takes its time: the delivery is stored, or made again",
  async (how) => {
    const held = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    receiver.behave(async (response) => {
      held.resolve();
      await goOn.promise;
      response.writeHead(200).end();
    });
    const sent = await sendTest();
    await held.promise;
    await stack.postgres.restart(how);
    goOn.resolve();
    await untilDelivered(sent.body.id);
    expect(new Set(received().map(({ id }) => id))).toEqual(new Set([sent.body.eventId]));
  },
);

test("HA-10 hash.anchored comes for every hash and batch.anchored for every batch, and anew after a reorganisation", async () => {
  const snapshot = await askNode(stack, "evm_snapshot");
  const hashes = await submitBatch({ apiUrl: stack.apiUrl, key }, 40);
  await untilAnchored(stack, hashes);
  const anchorsOf = (hash: string) =>
    received().filter(({ type, data }) => type === "hash.anchored" && data.hash === hash);
  await until(() => hashes.every((hash) => anchorsOf(hash).length > 0), { deadlineMs: 30_000 });
  expect(received().some(({ type }) => type === "batch.anchored")).toBe(true);
  const [first] = anchorsOf(hashes[0]!);

  await askNode(stack, "evm_revert", [snapshot]);
  // The same transaction in a block of the same second would make the same block.
  await askNode(stack, "evm_increaseTime", [10]);
  const again = await until(
    () => anchorsOf(hashes[0]!).find(({ data }) => data.anchor.blockHash !== first!.data.anchor.blockHash),
    { deadlineMs: 90_000 },
  );
  expect(again!.id).not.toBe(first!.id);
  await untilAnchored(stack, hashes);
  await until(() => hashes.every((hash) => anchorsOf(hash).length > 1), { deadlineMs: 30_000 });
  await expectInvariants(stack);
});
