import type { Database } from "../db/client.ts";

/** How long a network that somebody has logged in from is no stranger's; days. */
export const NETWORK_REMEMBERED_DAYS = 90;

// Rows of one account alone, each by its key: no two processes wait for each other in a circle.
const REMEMBER = `
  WITH forgotten AS (
    DELETE FROM app.login_networks
    WHERE tenant_id = $1 AND account_id = $2 AND network <> $3 AND last_login_at < $4::timestamptz - make_interval(days => $5)
  )
  INSERT INTO app.login_networks (tenant_id, account_id, network, last_login_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant_id, account_id, network) DO UPDATE SET last_login_at = excluded.last_login_at`;

/** Remembers the network that an account was logged in to from, and forgets those of long ago. */
export async function rememberNetwork(
  { pool }: Database,
  account: { id: string; tenantId: string },
  network: string,
  now: Date,
): Promise<void> {
  await pool.query(REMEMBER, [account.tenantId, account.id, network, now, NETWORK_REMEMBERED_DAYS]);
}
