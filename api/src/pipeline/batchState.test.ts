import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { until } from "#test/support/until.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { newId } from "../newId.ts";
import { type AnchorColumns, type BatchState, IllegalMoveError, moveBatches } from "./batchState.ts";

const STATES: BatchState[] = ["sealed", "broadcast", "anchored"];
const LEGAL = new Set(["sealed broadcast", "broadcast anchored", "broadcast sealed", "anchored broadcast"]);
const MOVES = STATES.flatMap((from) => STATES.map((to) => ({ from, to })));
const isLegal = ({ from, to }: (typeof MOVES)[number]) => LEGAL.has(`${from} ${to}`);

const anchor: AnchorColumns = {
  txHash: Buffer.alloc(32, 1),
  blockNumber: 7,
  blockHash: Buffer.alloc(32, 2),
  blockTimestamp: 1_800_000_000,
  logIndex: 0,
  gasUsed: "54000",
  anchoredAt: new Date("2027-01-15T08:00:00Z"),
};

let postgres: EmbeddedPostgres;
let url: string;
let client: pg.Client;

beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
  url = await createDatabase(postgres);
  await migrateDatabase(url);
  client = await connect();
  await client.query(
    "INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations) VALUES (1, 'c', 'http://c', $1, $1, 1)",
    [Buffer.alloc(20, 1)],
  );
});
afterAll(async () => {
  await client.end();
  await postgres.stop();
});

async function connect(): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: url });
  await connected.connect();
  return connected;
}

async function insertSealed(id: string): Promise<void> {
  await client.query(
    "INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at) VALUES ($1, 1, $2, $3, 1, 'sealed', now())",
    [id, Buffer.alloc(20, 1), Buffer.alloc(32, 3)],
  );
}

/** A batch that came to its state by legal moves. */
async function batchIn(state: BatchState): Promise<string> {
  const id = newId();
  await insertSealed(id);
  if (state !== "sealed") await moveBatches(client, [id], "sealed", "broadcast", { slotId: newId() });
  if (state === "anchored") await moveBatches(client, [id], "broadcast", "anchored", { anchor });
  return id;
}

async function rowOf(id: string) {
  return (await client.query("SELECT * FROM app.batches WHERE id = $1", [id])).rows[0];
}

const columnsOf = (to: BatchState) => (to === "anchored" ? { anchor } : {});

describe.each(MOVES.filter(isLegal))("from $from to $to", ({ from, to }) => {
  test("moves, and the anchor stands with anchored alone", async () => {
    const id = await batchIn(from);
    expect(await moveBatches(client, [id], from, to, columnsOf(to))).toEqual([id]);
    const row = await rowOf(id);
    expect(row.state).toBe(to);
    expect(row.block_number).toBe(to === "anchored" ? "7" : null);
    expect(row.tx_hash).toEqual(to === "anchored" ? anchor.txHash : null);
  });

  test("leaves a batch alone that stands elsewhere meanwhile", async () => {
    for (const elsewhere of STATES.filter((state) => state !== from)) {
      const id = await batchIn(elsewhere);
      const before = await rowOf(id);
      expect(await moveBatches(client, [id], from, to, columnsOf(to))).toEqual([]);
      expect(await rowOf(id)).toEqual(before);
    }
  });

  test("is refused with an anchor too many or too few", async () => {
    const id = await batchIn(from);
    const wrong = to === "anchored" ? {} : { anchor };
    await expect(moveBatches(client, [id], from, to, wrong)).rejects.toBeInstanceOf(IllegalMoveError);
  });
});

test.each(MOVES.filter((move) => !isLegal(move)))("no move from $from to $to", async ({ from, to }) => {
  const id = await batchIn(from);
  const before = await rowOf(id);
  const moving = moveBatches(client, [id], from, to, columnsOf(to));
  await expect(moving).rejects.toBeInstanceOf(IllegalMoveError);
  expect(await rowOf(id)).toEqual(before);
});

test("a move keeps the slot unless it names one, and null takes it away", async () => {
  const id = await batchIn("broadcast");
  const { slot_id: slotId } = await rowOf(id);
  await moveBatches(client, [id], "broadcast", "anchored", { anchor });
  expect((await rowOf(id)).slot_id).toBe(slotId);
  await moveBatches(client, [id], "anchored", "broadcast");
  await moveBatches(client, [id], "broadcast", "sealed", { slotId: null });
  expect((await rowOf(id)).slot_id).toBeNull();
});

test("batches are locked in the order of their ids, however they lie in the table, so that no two moves wait for each other", async () => {
  const ids = [newId(), newId()] as const;
  for (const id of ids.toReversed()) await insertSealed(id);
  const other = await connect();
  const mover = await connect();
  try {
    await other.query("BEGIN");
    await other.query("SELECT FROM app.batches WHERE id = $1 FOR UPDATE", [ids[1]]);
    const moving = moveBatches(mover, ids.toReversed(), "sealed", "broadcast", { slotId: newId() });
    await until(async () => {
      const { rowCount } = await client.query(
        "SELECT FROM app.batches WHERE id = $1 FOR UPDATE SKIP LOCKED",
        [ids[0]],
      );
      return rowCount === 0;
    });
    await other.query("COMMIT");
    expect((await moving).sort()).toEqual(ids);
  } finally {
    await other.end();
    await mover.end();
  }
});

test("the database itself holds no half an anchor", async () => {
  const id = await batchIn("broadcast");
  const half = client.query("UPDATE app.batches SET state = 'anchored', block_number = 7 WHERE id = $1", [
    id,
  ]);
  await expect(half).rejects.toMatchObject({ code: "23514" });
});
