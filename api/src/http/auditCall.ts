import { createMiddleware } from "hono/factory";
import type { CallRecord } from "../audit/recordCalls.ts";
import type { AppEnv } from "./context.ts";
import { type KeyAccess, PERSON } from "./route.ts";

const RESOURCE_ID_CHARACTERS_MAX = 255;

/** What a path names, as far as PostgreSQL can keep it; nothing else of this length names anything. */
function storable(named: string | undefined): string | null {
  if (named === undefined || named.length > RESOURCE_ID_CHARACTERS_MAX || named.includes("\0")) return null;
  return named.toWellFormed();
}

/** Sees to it that every authenticated call of a route leaves one audit row, whatever it was answered (HA-15). */
export function auditCall(recordCall: (call: CallRecord) => Promise<void>, clock: () => Date) {
  return ({ action, resourceType }: KeyAccess) =>
    createMiddleware<AppEnv>(async (c, next) => {
      const [named] = Object.values<string>(c.req.param());
      const resourceId = resourceType === PERSON ? null : storable(named);
      const call = { action, resourceType, resourceId, isRecorded: false };
      c.set("call", call);
      await next();
      const key = c.get("authenticated");
      // A transaction that was rolled back took its row with it.
      if (key === undefined || (call.isRecorded && c.res.status < 400)) return;
      await recordCall({
        tenantId: key.tenantId,
        apiKeyId: key.apiKeyId,
        requestId: c.get("requestId"),
        action,
        resourceType,
        resourceId: call.resourceId,
        ipAddress: c.get("clientAddress"),
        statusCode: c.res.status,
        createdAt: clock(),
      });
    });
}
