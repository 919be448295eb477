import { auditLogs } from "../db/auditLogs.ts";
import type { Orm } from "../db/client.ts";
import type { Context } from "../verb.ts";

export type AuditEntry = {
  action: string;
  resourceType: string;
  resourceId: string | null;
  statusCode: number;
};

/** Records a call in the transaction that carries it out, so that neither stands without the other (HA-15). */
export async function writeAudit(tx: Pick<Orm, "insert">, ctx: Context, entry: AuditEntry): Promise<void> {
  await tx.insert(auditLogs).values({
    tenantId: ctx.caller.tenantId,
    apiKeyId: ctx.caller.apiKeyId,
    ipAddress: ctx.clientAddress,
    requestId: ctx.requestId,
    createdAt: ctx.clock(),
    ...entry,
  });
}
