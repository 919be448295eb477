import { auditLogs } from "../db/auditLogs.ts";
import type { Orm } from "../db/client.ts";
import type { Context } from "../verb.ts";

/** Records a call in the transaction that carries it out, so that neither stands without the other (HA-15). */
export async function writeAudit(
  tx: Pick<Orm, "insert">,
  { call, caller, ...ctx }: Context,
  { resourceId, statusCode }: { resourceId: string | null; statusCode: number },
): Promise<void> {
  await tx.insert(auditLogs).values({
    tenantId: caller.tenantId,
    apiKeyId: caller.apiKeyId,
    ipAddress: ctx.clientAddress,
    requestId: ctx.requestId,
    createdAt: ctx.clock(),
    action: call.action,
    resourceType: call.resourceType,
    resourceId,
    statusCode,
  });
  call.isRecorded = true;
}
