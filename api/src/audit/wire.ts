import { z } from "zod";
import { pageQuery, paginationAnswer } from "../accounts/wire.ts";
import { storableDateOrTime } from "../http/storableTime.ts";

const DAY_MS = 86_400_000;
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const PROBLEM = "must be a date or a time of ISO 8601, from 1970 to 9999";

/** `?page=1&limit=50&tenantId&action&from&to`; a `to` without a time includes its day, in UTC. */
export const auditQuery = pageQuery.extend({
  limit: pageQuery.shape.limit.prefault("50"),
  tenantId: z.uuid("must be a UUID").optional(),
  action: z.string().max(100, "must have at most 100 characters").optional(),
  from: storableDateOrTime(PROBLEM).optional(),
  to: storableDateOrTime(
    PROBLEM,
    (text) => new Date(new Date(text).getTime() + (DATE_ONLY.test(text) ? DAY_MS - 1 : 0)),
  ).optional(),
});
export type AuditQuery = z.output<typeof auditQuery>;

export const auditListAnswer = z.object({
  data: z.array(
    z.object({
      tenantId: z.uuid(),
      apiKeyId: z.uuid().nullable(),
      action: z.string(),
      resourceType: z.string(),
      resourceId: z.string().nullable(),
      ipAddress: z.string().nullable(),
      requestId: z.uuid(),
      statusCode: z.int(),
      createdAt: z.iso.datetime(),
    }),
  ),
  pagination: paginationAnswer.extend({
    total: z.int().describe("Counted to 1,000; `hasMore` says whether there are more"),
    hasMore: z.boolean().describe("Whether there are rows after this page"),
  }),
});
