import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { expectKept, query, type Submitter, submitBatch, submitOne, untilAnchored } from "./accepted.ts";

let stack: TestStack;
let submitter: Submitter;
let indexer: ReturnType<TestStack["startIndexer"]>;
const accepted: Hex[] = [];

beforeAll(async () => {
  stack = await startStack();
  indexer = stack.indexer!;
  submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
  accepted.push(...(await submitBatch(submitter, 10)));
  await untilAnchored(stack, accepted);
});

afterAll(() => stack?.stop());

async function accept(): Promise<Hex> {
  const hash = await submitOne(submitter);
  accepted.push(hash);
  return hash;
}

/** The process of the Ponder that indexes; another one answers GraphQL. */
function ponderPid(): number {
  return Number(
    execFileSync("pgrep", ["-P", String(indexer.pid), "-f", " start --schema "], { encoding: "utf8" }),
  );
}

const kills = [
  {
    whom: "the launcher",
    killAndRecover: async () => {
      await indexer.kill9();
      indexer = stack.startIndexer();
      await indexer.live();
    },
  },
  {
    whom: "Ponder",
    killAndRecover: async () => {
      process.kill(ponderPid(), "SIGKILL");
      await indexer.live(2); // the launcher starts it again
    },
  },
];

test.for(kills)(
  "$whom killed while anchors flow: what was sealed meanwhile is anchored once it is back",
  async ({ killAndRecover }) => {
    const anchoredBefore = accepted[0]!;
    let flowing = true;
    const answers = new Set<number>();
    const flow = (async () => {
      while (flowing) {
        await accept();
        answers.add((await call(stack.apiUrl, "GET", `/v1/verify/${anchoredBefore}`)).status);
      }
    })();
    await until(() => accepted.length > 20);
    const recovered = killAndRecover();
    await submitBatch(submitter, 5).then((hashes) => accepted.push(...hashes));
    await recovered;
    flowing = false;
    await flow;
    expect([...answers]).toEqual([200]);
    await untilAnchored(stack, accepted);
  },
);

test("the indexer down for a while: hashes are accepted and batched, none is called anchored, and what was anchored stays so", async () => {
  const [anchoredBefore] = accepted;
  await indexer.kill9();
  const during = [await accept(), ...(await submitBatch(submitter, 20))];
  accepted.push(...during);
  await until(async () => {
    const [row] = await query<{ open: number }>(
      stack,
      "SELECT count(*)::int AS open FROM app.submissions s LEFT JOIN app.batches b ON b.id = s.batch_id WHERE b.state IS DISTINCT FROM 'broadcast' AND s.content_hash = ANY($1)",
      [during.map((hash) => Buffer.from(hash.slice(2), "hex"))],
    );
    return row!.open === 0;
  });
  const [row] = await query<{ latest: number }>(stack, "SELECT latest_block AS latest FROM app.chains");
  // Long enough on chain for an index to confirm it, had there been one.
  await until(async () => {
    const [now] = await query<{ latest: number }>(stack, "SELECT latest_block AS latest FROM app.chains");
    return now!.latest >= row!.latest + 5;
  });
  for (const hash of during) {
    const { body } = await call(stack.apiUrl, "GET", `/v1/verify/${hash}`);
    expect(body).toMatchObject({ verified: false, status: "batched", anchor: null, receipt: null });
    expect((await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`)).status).toBe(404);
  }
  expect((await call(stack.apiUrl, "GET", `/v1/verify/${anchoredBefore}`)).body.verified).toBe(true);

  indexer = stack.startIndexer();
  await expectKept(stack, accepted);
});
