import type { Queue } from "pg-boss";

/** pg-boss keeps its tables here; `npm run migrate` makes them, and the rows that describe the queues. */
export const JOBS_SCHEMA = "jobs";

/** Where a job ends that was tried as often as its queue allows; an operator retries or discards it (HA-18). */
export const DEAD_LETTERS = "dead-letters";

export type QueueSettings = Omit<Queue, "name"> & {
  /** Sends one job at these times (cron, UTC), whatever the number of workers. */
  schedule?: string;
};

const DAY_S = 86_400;

/** Every queue, dead letters first since the others name them. Workers are registered by the folders whose work it is. */
export const QUEUES = {
  [DEAD_LETTERS]: { retentionSeconds: 30 * DAY_S, deleteAfterSeconds: 7 * DAY_S },
  exports: {
    deadLetter: DEAD_LETTERS,
    retryLimit: 3,
    retryDelay: 2,
    retryBackoff: true,
    // A worker that dies lets go of its export after this; however long an export takes, a living one does not.
    heartbeatSeconds: 20,
    expireInSeconds: DAY_S - 1,
    deleteAfterSeconds: DAY_S,
  },
  "exports-sweep": {
    policy: "exclusive",
    retryLimit: 0,
    expireInSeconds: 600,
    deleteAfterSeconds: DAY_S,
    schedule: "*/10 * * * *",
  },
} satisfies Record<string, QueueSettings>;

export type QueueName = keyof typeof QUEUES;
