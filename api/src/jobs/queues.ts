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

/**
 * Every queue, dead letters first since the others name them. Workers are registered by the folders whose work it is. What a job
 * holds is shown to the operator when it is given up: ids, no secrets and no personal values.
 */
export const QUEUES = {
  [DEAD_LETTERS]: { retentionSeconds: 30 * DAY_S, deleteAfterSeconds: 7 * DAY_S },
  // One job an attempt; the attempts are counted by the delivery. An attempt lasts 10 s at most, and pg-boss's own retries are for
  // workers that died in it.
  "webhook-delivery": {
    expireInSeconds: 20,
    retryLimit: 1_000,
    retryDelay: 1,
    retentionSeconds: 365 * DAY_S,
    deleteAfterSeconds: 600,
    deadLetter: DEAD_LETTERS,
  },
  "webhook-retention": {
    policy: "exclusive",
    retryLimit: 0,
    expireInSeconds: 600,
    deleteAfterSeconds: DAY_S,
    schedule: "17 * * * *",
  },
  "gate-callback": {
    expireInSeconds: 20,
    retryLimit: 1_000,
    retryDelay: 1,
    retentionSeconds: 365 * DAY_S,
    deleteAfterSeconds: 600,
    deadLetter: DEAD_LETTERS,
  },
  "media-sweep": {
    policy: "exclusive",
    retryLimit: 0,
    expireInSeconds: 600,
    deleteAfterSeconds: DAY_S,
    schedule: "*/5 * * * *",
  },
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
