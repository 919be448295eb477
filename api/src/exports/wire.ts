import { z } from "zod";
import { storableDateOrTime } from "../http/storableTime.ts";

const DAY_MS = 86_400_000;
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const PROBLEM = "must be a date or a time of ISO 8601, from 1970 on and before the end of 9999";

export type ExportType = "hashes" | "receipts";

const format = z.enum(["csv", "json"], "must be csv or json");
export type ExportFormat = z.output<typeof format>;

const status = z.enum(
  ["pending", "batched", "anchored", "failed"],
  "must be pending, batched, anchored or failed",
);
export type ExportStatus = z.output<typeof status>;

/** When the hash was submitted; a `to` without a time includes its day, in UTC. */
const filters = z
  .object(
    {
      status: status.nullish(),
      from: storableDateOrTime(PROBLEM).nullish(),
      /** Exclusive from here on. */
      to: storableDateOrTime(
        PROBLEM,
        (text) => new Date(new Date(text).getTime() + (DATE_ONLY.test(text) ? DAY_MS : 1)),
      ).nullish(),
    },
    "must be an object",
  )
  .refine(({ from, to }) => !from || !to || from < to, { path: ["to"], error: "must not be before from" });

/** HA-12. */
export const createExportBody = z.object(
  { format: format.prefault("csv"), filters: filters.nullish() },
  "must be an object",
);
export type CreateExportBody = z.output<typeof createExportBody>;

const described = { type: z.enum(["hashes", "receipts"]), format: z.enum(["csv", "json"]) };

export const createdExportAnswer = z.object({ id: z.uuid(), status: z.literal("pending"), ...described });

export const exportAnswer = z.object({
  id: z.uuid(),
  status: z.enum(["pending", "processing", "failed"]),
  ...described,
  totalRows: z.int().describe("Rows written up to now"),
  error: z.string().optional().describe("Why it failed"),
});
