import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import journal from "../../migrations/meta/_journal.json" with { type: "json" };

const TAG = "0017_withdrawals_without_thread";
const PREVIOUS = "ab".repeat(32);

let postgres: EmbeddedPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
});
afterAll(() => postgres.stop());

const disclosure = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");

test("protocol §7 withdrawals that said only in their disclosures what they follow say it in their rows", async () => {
  const client = new pg.Client({ connectionString: await createDatabase(postgres) });
  await client.connect();
  const apply = async (tag: string) =>
    client.query(await readFile(new URL(`../../migrations/${tag}.sql`, import.meta.url), "utf8"));
  const tags = journal.entries.map(({ tag }) => tag);
  for (const tag of tags.slice(0, tags.indexOf(TAG))) await apply(tag);
  // Lengths of base64url that need no, one and two characters of padding.
  const salts = ["a", "ab", "abc"].map((salt) => disclosure(salt, "previous", `sha256:${PREVIOUS}`));
  for (const [n, lasting] of [...salts, disclosure("a", "type", "previous")].entries())
    await client.query(
      `INSERT INTO app.consents (tenant_id, id, seq, surface, action, grant_stands, record_digest, lasting, created_at)
       VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'log', 'withdraw', false, sha256(int8send($1::bigint)), $2, now())`,
      [n, `${disclosure("s", "type", "ünïcode")}~${lasting}`],
    );
  await apply(TAG);
  const { rows } = await client.query(
    "SELECT encode(previous_digest, 'hex') AS previous FROM app.consents ORDER BY seq",
  );
  expect(rows.map(({ previous }) => previous)).toEqual([PREVIOUS, PREVIOUS, PREVIOUS, null]);
  await client.end();
});
