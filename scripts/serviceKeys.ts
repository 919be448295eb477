/**
 * `DATABASE_URL=… npm run service-keys`: lists the keys that sign consent proofs, consent receipts and access tokens.
 * `npm run service-keys -- --retire KID`: ends one a minute later; another is made when it is needed. Exit code 1 for an unknown key, 2 when it
 * could not be done.
 */
import { parseArgs } from "node:util";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { listServiceKeys, retireServiceKey } from "#api/secrets/retireServiceKey.ts";

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { retire: { type: "string" } } });
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error("Set DATABASE_URL to the connection string of the database's owner");
  const db = connectDatabase({ url, connectionsMax: 1, statementTimeoutMs: 10_000, onError: () => {} });
  try {
    return values.retire === undefined ? await list(db) : await retire(db, values.retire);
  } finally {
    await db.pool.end();
  }
}

async function list(db: Database): Promise<number> {
  for (const { kid, purpose, createdAt, signsUntil } of await listServiceKeys(db))
    console.log(
      `${kid}  ${purpose.padEnd(15)}  made ${createdAt.toISOString()}  signs until ${signsUntil.toISOString()}`,
    );
  return 0;
}

async function retire(db: Database, kid: string): Promise<number> {
  const until = await retireServiceKey(db, kid, new Date());
  if (until === null) {
    console.error(`There is no key ${kid}; npm run service-keys lists them`);
    return 1;
  }
  console.log(`${kid} signs until ${until.toISOString()}`);
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(2);
  },
);
