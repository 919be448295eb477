import type { Database } from "../db/client.ts";
import type { Plan } from "./plan.ts";

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

/** @param email in any case. */
export async function findAccountByEmail({ pool }: Database, email: string): Promise<Account | null> {
  const { rows } = await pool.query<Account>(`${FIND} WHERE a.email = lower($1)`, [email]);
  return rows[0] ?? null;
}
