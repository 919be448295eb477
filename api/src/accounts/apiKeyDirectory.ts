import { byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import type { Plan } from "./plan.ts";
import type { KeyAttributes, Scope, SiteBy } from "./scope.ts";

export type ActiveApiKey = {
  id: string;
  tenantId: string;
  scopes: Scope[];
  rateLimitPerMinute: number;
  tenantStatus: "active" | "suspended";
  plan: Plan | null;
  /** Stands as long as no key was revoked or changed, and no tenant suspended or activated, since this was read. */
  accessVersion: string;
} & KeyAttributes;

/** Finds keys by their SHA-256; null for one that is unknown or revoked. */
export type ApiKeyDirectory = {
  /** The key as the database has it now (HA-16: a revoked key is refused from the next request on, in every process). */
  find(keySha256: Buffer): Promise<ActiveApiKey | null>;
  /** The key as it was when it was last read, undefined when it was not: for statements that themselves check `accessVersion`. */
  recall(keySha256: Buffer): ActiveApiKey | undefined;
};

type Row = {
  access_version: string;
  /** Hex; null in the one row that stands for no key at all. */
  key_sha256: string | null;
  id: string;
  tenant_id: string;
  /** With blanks between: node-postgres would read an array character by character. */
  scopes: string;
  rate_limit_per_minute: number;
  status: "active" | "suspended";
  plan: Plan | null;
  site: string | null;
  site_by: SiteBy | null;
  require_signing: boolean;
  require_timestamp: boolean;
};

// Version and keys come from one snapshot; the version also when there is no key to find.
const FIND = `
  SELECT v.version AS access_version, encode(k.key_sha256, 'hex') AS key_sha256, k.id, k.tenant_id,
         array_to_string(k.scopes, ' ') AS scopes, k.rate_limit_per_minute, k.site, k.site_by, k.require_signing, k.require_timestamp,
         t.status, t.plan
  FROM app.access_version v
  LEFT JOIN (app.api_keys k JOIN app.tenants t ON t.id = k.tenant_id)
    ON k.key_sha256 = ANY($1::bytea[]) AND k.revoked_at IS NULL`;

/** Far more keys than one process serves in a minute; when there are more, all are forgotten and read again as they come. */
const REMEMBERED_KEYS_MAX = 50_000;

/** Keys are remembered, and what is remembered holds for one version of the rows that access depends on (see migration 0002). */
export function createApiKeyDirectory({ pool }: Database): ApiKeyDirectory {
  const remembered = new Map<string, ActiveApiKey>();
  let version: string | null = null;

  /** Answers whether what was remembered still holds. */
  async function read(keys: string[]): Promise<boolean> {
    const { rows } = await pool.query<Row>({
      name: "find-keys",
      text: FIND,
      values: [byteaArrayLiteral(keys)],
    });
    const now = rows[0]!.access_version;
    const holds = now === version && remembered.size + keys.length <= REMEMBERED_KEYS_MAX;
    if (!holds) remembered.clear();
    version = now;
    for (const row of rows) if (row.key_sha256 !== null) remembered.set(row.key_sha256, toActiveApiKey(row));
    return holds;
  }

  /** Asks for the version in any case, and a second time for all keys when the first answer made the remembered ones worthless. */
  async function findGroup(wanted: Buffer[]): Promise<(ActiveApiKey | null)[]> {
    const keys = wanted.map((sha256) => sha256.toString("hex"));
    const distinct = [...new Set(keys)];
    const unknown = distinct.filter((key) => !remembered.has(key));
    const holds = await read(unknown);
    if (!holds && unknown.length < distinct.length) await read(distinct);
    return keys.map((key) => remembered.get(key) ?? null);
  }

  return {
    find: groupCalls(findGroup, { weightMax: 1_000, concurrencyMax: 1 }),
    recall: (keySha256) => remembered.get(keySha256.toString("hex")),
  };
}

function toActiveApiKey(row: Row): ActiveApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    scopes: row.scopes.split(" ") as Scope[],
    rateLimitPerMinute: row.rate_limit_per_minute,
    tenantStatus: row.status,
    plan: row.plan,
    accessVersion: row.access_version,
    site: row.site,
    // A server from before there was such a word may still make keys.
    siteBy: row.site === null ? null : (row.site_by ?? "tenant"),
    requireSigning: row.require_signing,
    requireTimestamp: row.require_timestamp,
  };
}
