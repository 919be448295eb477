import type { Pool, PoolClient } from "pg";
import type { ExportRow } from "../db/exports.ts";
import { newId } from "../newId.ts";

/**
 * pending: its job waits. processing: an attempt writes its file. completed: the file is there, for 24 hours. failed: its job was
 * given up. expired: the file is gone.
 */
export type ExportState = ExportRow["state"];

/** The legal moves, by where they lead; there are no others. */
const REACHED_FROM: Record<Exclude<ExportState, "pending">, readonly ExportState[]> = {
  // Again from processing: the attempt before died. From failed: an operator gave its job another chance.
  processing: ["pending", "processing", "failed"],
  completed: ["processing"],
  failed: ["pending", "processing"],
  expired: ["completed"],
};

/** Which export. */
export type ExportKey = { tenantId: string; id: string };
/** One attempt at an export: no other may finish it, and its file bears its id. */
export type ExportAttempt = ExportKey & { attempt: string };
/** An export whose file an attempt may write. */
export type ClaimedExport = Pick<
  ExportRow,
  "type" | "format" | "statusFilter" | "createdFrom" | "createdBefore" | "publicUrl"
> &
  ExportAttempt & {
    /** Bytes of the tenant's other files. */
    keptBytes: number;
  };

type Queryable = Pick<Pool | PoolClient, "query">;

/** How long a file is kept; milliseconds. */
export const FILE_KEPT_MS = 86_400_000;
