import type { PageInput } from "../accounts/wire.ts";
import type { Context, VerbArgs } from "../verb.ts";
import { countDeadLetters, readDeadLetters } from "./readDeadLetters.ts";

const RECENT = 10;

/** How many dead letters there are, and the newest (HA-18). */
export async function getDeadLetterStats({ ctx: { db } }: { ctx: Context }) {
  const counts = await countDeadLetters(db);
  return { counts, recentJobs: await readDeadLetters(db, { limit: RECENT, offset: 0 }) };
}

/** Dead letters that wait for an operator, the newest first. */
export async function listDeadLetters({ ctx: { db }, input: { page, limit } }: VerbArgs<PageInput>) {
  const { waiting } = await countDeadLetters(db);
  const data = await readDeadLetters(db, { limit, offset: (page - 1) * limit });
  return { data, pagination: { page, limit, total: waiting } };
}
