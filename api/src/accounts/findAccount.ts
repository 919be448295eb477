import type { Database } from "../db/client.ts";
import type { Plan } from "./plan.ts";
import { NETWORK_REMEMBERED_DAYS } from "./rememberNetwork.ts";

/** An account with its tenant as they are now. */
export type Account = {
  id: string;
  name: string;
  email: string;
  passwordHash: string;
  tenantId: string;
  tenantName: string;
  tenantStatus: "active" | "suspended";
  plan: Plan | null;
};

const FIND = `
  SELECT a.id, a.name, a.email, a.password_hash AS "passwordHash", a.tenant_id AS "tenantId",
         t.name AS "tenantName", t.status AS "tenantStatus", t.plan
  FROM app.accounts a JOIN app.tenants t ON t.id = a.tenant_id`;

export async function findAccount({ pool }: Database, id: string): Promise<Account | null> {
  const { rows } = await pool.query<Account>(`${FIND} WHERE a.id = $1`, [id]);
  return rows[0] ?? null;
}

// One query whether the account is there or not, so that its time tells nothing.
const FIND_BY_EMAIL = `
  SELECT account.*, EXISTS (
    SELECT FROM app.login_networks l
    WHERE l.tenant_id = account."tenantId" AND l.account_id = account.id AND l.network = $2
      AND l.last_login_at > $3::timestamptz - make_interval(days => $4)
  ) AS "isKnownNetwork"
  FROM (${FIND} WHERE a.email = lower($1)) account`;

/**
 * @param email in any case.
 * @returns with whether somebody has logged in to it from this network.
 */
export async function findAccountByEmail(
  { pool }: Database,
  { email, network, now }: { email: string; network: string; now: Date },
): Promise<(Account & { isKnownNetwork: boolean }) | null> {
  const { rows } = await pool.query<Account & { isKnownNetwork: boolean }>(FIND_BY_EMAIL, [
    email,
    network,
    now,
    NETWORK_REMEMBERED_DAYS,
  ]);
  return rows[0] ?? null;
}
