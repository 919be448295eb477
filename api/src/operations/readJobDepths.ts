import type { Database } from "../db/client.ts";
import { DEAD_LETTERS } from "../jobs/queues.ts";

/** How much other work than the pipeline's lies where. */
export type JobDepths = {
  /** Jobs by queue and state; dead letters that wait are those of the queue `dead-letters`. */
  jobs: { queue: string; state: "waiting" | "active"; jobs: number }[];
  /** Attempts of webhook deliveries since the beginning, by outcome. */
  webhookAttempts: { outcome: string; attempts: number }[];
};

/** Reads queues as they are now. What has ended is deleted soon, so the tables hold little else than what waits. */
export async function readJobDepths({ pool }: Pick<Database, "pool">): Promise<JobDepths> {
  const queues = await pool.query<{ name: string; waiting: number; active: number }>(
    `SELECT q.name, count(j.id) FILTER (WHERE j.state IN ('created', 'retry')) AS waiting,
            count(j.id) FILTER (WHERE j.state = 'active') AS active
     FROM jobs.queue q LEFT JOIN jobs.job j ON j.name = q.name AND j.state IN ('created', 'retry', 'active')
     WHERE q.name NOT LIKE '\\_\\_%' GROUP BY q.name ORDER BY q.name = $1, q.name`,
    [DEAD_LETTERS],
  );
  const attempts = await pool.query<{ outcome: string; attempts: number }>(
    "SELECT outcome, sum(attempts)::bigint AS attempts FROM app.webhook_attempts GROUP BY outcome",
  );
  const jobs = queues.rows.flatMap(({ name: queue, waiting, active }) => [
    { queue, state: "waiting" as const, jobs: waiting },
    { queue, state: "active" as const, jobs: active },
  ]);
  return { jobs, webhookAttempts: attempts.rows };
}
