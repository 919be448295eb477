import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { startTestPostgres } from "#test/support/postgres.ts";
import { arrayLiteral, asciiArray, byteaArrayLiteral } from "./arrayLiteral.ts";

let server: EmbeddedPostgres;
let client: pg.Client;
beforeAll(async () => {
  server = await startTestPostgres();
  client = new pg.Client({ connectionString: server.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

test("PostgreSQL reads the arrays that were written", async () => {
  const ids = ["01a20165-7b6f-75da-9b21-131934e24a3d", null];
  const hexTexts = ["00ff", "", "5c", null];
  const texts = ["a,b", null, "", 'NULL {"\\', "x".repeat(100_000)];
  const { rows } = await client.query(
    "SELECT $1::uuid[] AS ids, $2::bigint[]::text[] AS numbers, $3::bytea[] AS bytes, $4::int[] AS none, $5::text[] AS texts, $6::text[] AS no_text",
    [
      arrayLiteral(ids),
      arrayLiteral([1, -2, null]),
      byteaArrayLiteral(hexTexts),
      arrayLiteral([]),
      asciiArray(texts),
      asciiArray([]),
    ],
  );
  expect(rows[0]).toEqual({
    ids,
    numbers: ["1", "-2", null],
    bytes: hexTexts.map((hex) => (hex === null ? null : Buffer.from(hex, "hex"))),
    none: [],
    texts,
    no_text: [],
  });
});
