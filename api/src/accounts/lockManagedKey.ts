import { apiKeys } from "../db/apiKeys.ts";
import type { Orm } from "../db/client.ts";
import { and, eq } from "../db/drizzle.ts";
import { ForbiddenError, NotFoundError } from "../errors.ts";
import { type Caller, hasScope } from "./scope.ts";

/**
 * A key that the caller may manage, locked to the end of the transaction: the operator any, others those of their own tenant.
 * @throws {NotFoundError} also for another tenant's.
 * @throws {ForbiddenError} when it may do all, and the caller may not.
 */
export async function lockManagedKey(tx: Pick<Orm, "select">, caller: Caller, id: string) {
  const isOperator = hasScope(caller, "admin");
  const [key] = await tx
    .select({
      id: apiKeys.id,
      tenantId: apiKeys.tenantId,
      scopes: apiKeys.scopes,
      revokedAt: apiKeys.revokedAt,
    })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), isOperator ? undefined : eq(apiKeys.tenantId, caller.tenantId)))
    .for("no key update");
  if (key === undefined) throw new NotFoundError("API key");
  if (!isOperator && hasScope(key, "admin"))
    throw new ForbiddenError("Only an admin key can change a key with the scope admin");
  return key;
}
