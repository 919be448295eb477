import { setTimeout as delay } from "node:timers/promises";
import type { Queryable } from "./indexSchema.ts";

const ORPHAN_GRACE_MS = 6_000;
const POLL_MS = 50;

/**
 * Makes a schema ready for Ponder to resume in.
 *
 * Gives back the lock that a killed Ponder left on it; Ponder itself would wait until the last heartbeat is 25 s old. The
 * caller holds the launcher's lock, so whatever is still connected is an orphan on its way out: it gets 6 s, then its
 * sessions are cut.
 *
 * Takes "indexed up to" back to the block Ponder resumes from: it removes all rows after that one, and when there is nothing
 * to fetch before the newest blocks it would leave the old claim standing while the rows are gone.
 */
export async function prepareToResume(database: Queryable, schema: string): Promise<void> {
  const deadline = Date.now() + ORPHAN_GRACE_MS;
  while ((await countSessions(database, schema)) > 0) {
    if (Date.now() > deadline) await cutSessions(database, schema);
    await delay(POLL_MS);
  }
  const { rows } = await database.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [
    `${schema}._ponder_meta`,
  ]);
  if (!rows[0]?.found) return;
  await database.query(`UPDATE ${schema}._ponder_checkpoint SET latest_checkpoint = safe_checkpoint`);
  await database.query(`UPDATE ${schema}._ponder_meta SET value = jsonb_set(value, '{is_locked}', '0')`);
}

/** Ponder names its sessions after its schema: `<schema>_internal`, `_user` and `_readonly`. */
const SESSIONS =
  "FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, $1)";

async function countSessions(database: Queryable, schema: string): Promise<number> {
  const { rows } = await database.query<{ count: string }>(`SELECT count(*) ${SESSIONS}`, [`${schema}_`]);
  return Number(rows[0]?.count);
}

async function cutSessions(database: Queryable, schema: string): Promise<void> {
  await database.query(`SELECT pg_terminate_backend(pid) ${SESSIONS}`, [`${schema}_`]);
}
