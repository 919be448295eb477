import type { Database } from "../db/client.ts";
import { smallestIdAt } from "../newId.ts";

const KEPT_MS = 30 * 86_400_000;
/** Deleted per webhook and statement. */
const ROWS_MAX = 1_000;

const FORGET = `
  DELETE FROM app.webhook_deliveries d USING app.webhooks w
  CROSS JOIN LATERAL (
    SELECT id FROM app.webhook_deliveries
    WHERE tenant_id = w.tenant_id AND webhook_id = w.id AND id < $1 AND status <> 'pending' ORDER BY id LIMIT ${ROWS_MAX}) AS old
  WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.id = old.id`;

/** Deletes deliveries that ended and are older than 30 days. @returns how many. */
export async function forgetDeliveries({ pool }: Pick<Database, "pool">, now: Date): Promise<number> {
  const cutoff = smallestIdAt(now.getTime() - KEPT_MS);
  let forgotten = 0;
  for (;;) {
    const { rowCount } = await pool.query(FORGET, [cutoff]);
    if (!rowCount) return forgotten;
    forgotten += rowCount;
  }
}
