import { z } from "zod";
import { paginationAnswer } from "../accounts/wire.ts";

const deadLetterAnswer = z.object({
  id: z.string(),
  data: z
    .record(z.string(), z.unknown())
    .describe("What the job held, mostly ids, and in `queue` where it came from"),
  timestamp: z.int().describe("When it was given up; seconds since 1970"),
});

export const deadLetterStatsAnswer = z.object({
  counts: z.object({
    completed: z.int().describe("Retried in the last seven days"),
    waiting: z.int().describe("Not retried and not discarded"),
    active: z.int().describe("Nobody works on dead letters by itself: 0"),
  }),
  recentJobs: z.array(deadLetterAnswer).describe("The ten newest that wait"),
});

export const deadLetterListAnswer = z.object({
  data: z.array(deadLetterAnswer),
  pagination: paginationAnswer,
});

export const retriedAnswer = z.object({ id: z.string(), status: z.literal("retried") });
