import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { type PostgresProxy, startPostgresProxy } from "#test/support/postgresProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { expectKept, query } from "./accepted.ts";

let stack: TestStack;
let database: PostgresProxy;
let api: Awaited<ReturnType<TestStack["startApi"]>>;
let key: string;
/** Every content hash that some API process answered for, with the id it gave. */
const answered = new Map<Hex, string>();

beforeAll(async () => {
  stack = await startStack({ settings: { SEAL_INTERVAL_MS: "50" } });
  database = await startPostgresProxy({ databaseUrl: stack.databaseUrl });
  // Below a limit of 100 every request is counted before it is answered: then its writes come in one order.
  ({ key } = await createTenantKey(stack, { rateLimitPerMinute: 99 }));
  api = await startVictim();
});

afterAll(async () => {
  await stack?.stop();
  await database?.stop();
});

function startVictim() {
  return stack.startApi({ DATABASE_URL: database.url });
}

type Answer = Awaited<ReturnType<typeof call>>;

/** As a client does: the same request again, to whatever process is there, until one answers. */
async function answerOf(path: string, body: unknown): Promise<Answer> {
  for (;;) {
    const answer = await call(api.url, "POST", path, { key, body }).catch(() => null);
    if (answer !== null && answer.status < 500) return answer;
    await api.process.exited;
    api = await startVictim();
  }
}

const submissions = [
  {
    what: "a submission",
    async submit(): Promise<boolean> {
      const hash = randomHash();
      const { status, body } = await answerOf("/v1/hashes", { hash });
      expect([200, 202]).toContain(status);
      answered.set(hash, body.id);
      return status === 202;
    },
  },
  {
    what: "a submission of many",
    async submit(): Promise<boolean> {
      const hashes = Array.from({ length: 20 }, randomHash);
      const { status, body } = await answerOf("/v1/hashes/batch", {
        hashes: hashes.map((hash) => ({ hash })),
      });
      expect(status).toBe(202);
      expect(body.accepted + body.duplicates).toBe(20);
      expect([0, 20]).toContain(body.accepted); // all of a call or nothing
      for (const { hash, id } of body.results) answered.set(hash, id);
      return body.accepted === 20;
    },
  },
];

const cases = submissions.flatMap((submission) => [
  { ...submission, fate: "fails and is not stored", stored: false },
  { ...submission, fate: "fails but is stored", stored: true },
]);

test.for(cases)("the API killed at each write of $what, and asked again: $fate (HA-2, HA-3)", async (one) => {
  let isNew: boolean | null = null;
  for (let nth = 1; ; nth++) {
    const fault = database.addFault({ nth, stored: one.stored, meanwhile: () => api.process.kill9() });
    const accepted = await one.submit();
    if (fault.remove()) break;
    const unit = await fault.done;
    if (unit.sql.some((sql) => sql.includes("INSERT INTO app.submissions"))) isNew = accepted;
  }
  // Stored, and the answer lost: then the repeat is a duplicate. Not stored: then it is new.
  expect(isNew).toBe(!one.stored);
});

test("every answered id is the one that is stored, once, and every hash is anchored", async () => {
  await expectKept(stack, answered.keys());
  const rows = await query<{ hash: Hex; id: string }>(
    stack,
    "SELECT '0x' || encode(content_hash, 'hex') AS hash, id FROM app.submissions",
  );
  expect(rows).toHaveLength(answered.size);
  expect(new Map(rows.map(({ hash, id }) => [hash, id]))).toEqual(answered);
});
