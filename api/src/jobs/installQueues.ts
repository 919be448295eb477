import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { PgBoss } from "pg-boss";
import { JOBS_SCHEMA, QUEUES, type QueueSettings } from "./queues.ts";

const INDEX_POLL_MS = 500;

/** Makes or updates pg-boss's schema and the queues, as the database's owner. Safe to repeat; the caller lets one work at a time. */
export async function installQueues(owner: Client): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => owner.query(text, values) },
    schema: JOBS_SCHEMA,
    supervise: false,
    schedule: false,
  });
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  boss.on("error", failure.reject);
  try {
    await Promise.race([install(boss), failure.promise]);
  } finally {
    await boss.stop({ graceful: false });
  }
}

async function install(boss: PgBoss): Promise<void> {
  await boss.start();
  for (const [name, { schedule, ...settings }] of Object.entries<QueueSettings>(QUEUES)) {
    await boss.createQueue(name, settings);
    const { policy: _fixed, partition: _forGood, ...changeable } = settings;
    await boss.updateQueue(name, changeable);
    if (schedule === undefined) await boss.unschedule(name);
    else await boss.schedule(name, schedule);
  }
  // A newer pg-boss builds its indexes after its tables, and only an instance of the owner may.
  while ((await boss.getBamStatus()).some(({ status }) => status === "pending" || status === "in_progress"))
    await delay(INDEX_POLL_MS);
}
