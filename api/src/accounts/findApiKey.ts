import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import type { Scope } from "./scope.ts";

export type ActiveApiKey = {
  id: string;
  tenantId: string;
  scopes: Scope[];
  rateLimitPerMinute: number;
  tenantStatus: "active" | "suspended";
};

type Row = {
  key_sha256: Buffer;
  id: string;
  tenant_id: string;
  scopes: Scope[];
  rate_limit_per_minute: number;
  status: "active" | "suspended";
};

const FIND = `
  SELECT k.key_sha256, k.id, k.tenant_id, k.scopes, k.rate_limit_per_minute, t.status
  FROM app.api_keys k JOIN app.tenants t ON t.id = k.tenant_id
  WHERE k.key_sha256 = ANY($1::bytea[]) AND k.revoked_at IS NULL`;

/**
 * Finds unrevoked keys by their SHA-256. Nothing is cached, so a revoked key is refused from the next request on in every
 * process (HA-16); requests that arrive together share one query instead.
 */
export function createApiKeyFinder({ pool }: Database): (keySha256: Buffer) => Promise<ActiveApiKey | null> {
  return groupCalls(
    async (wanted: Buffer[]) => {
      const distinct = new Map(wanted.map((sha256) => [sha256.toString("latin1"), sha256]));
      const { rows } = await pool.query<Row>({
        name: "find-api-keys",
        text: FIND,
        values: [[...distinct.values()]],
      });
      const found = new Map(rows.map((row) => [row.key_sha256.toString("latin1"), toActiveApiKey(row)]));
      return wanted.map((sha256) => found.get(sha256.toString("latin1")) ?? null);
    },
    { weightMax: 1_000, concurrencyMax: 2 },
  );
}

function toActiveApiKey(row: Row): ActiveApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    scopes: row.scopes,
    rateLimitPerMinute: row.rate_limit_per_minute,
    tenantStatus: row.status,
  };
}
