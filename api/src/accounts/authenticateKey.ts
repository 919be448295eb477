import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { COUNT_ROWS, type Counter, placesOf, type RequestCount, tally } from "../http/rateLimit.ts";
import type { Scope } from "./scope.ts";

export type ActiveApiKey = {
  id: string;
  tenantId: string;
  scopes: Scope[];
  rateLimitPerMinute: number;
  tenantStatus: "active" | "suspended";
};

/** A valid key, and how many requests it has made in the current window, this one included. */
export type AuthenticatedKey = { key: ActiveApiKey; count: RequestCount };

/** Answers null for a key that is unknown or revoked. */
export type AuthenticateKey = (keySha256: Buffer) => Promise<AuthenticatedKey | null>;

/**
 * Keys of a group of requests, by their SHA-256 in hex, each with its count. Nothing is cached, so a revoked key is refused from the next request on
 * in every process (HA-16); requests that arrive together share one statement instead.
 */
type FindAndCount = (
  requestsOf: Map<string, number>,
) => Promise<Map<string, { key: ActiveApiKey; count: RequestCount }>>;

type Row = {
  /** Hex. */
  key_sha256: string;
  id: string;
  tenant_id: string;
  /** With blanks between: node-postgres would read an array character by character. */
  scopes: string;
  rate_limit_per_minute: number;
  status: "active" | "suspended";
};

const KEY_COLUMNS = `encode(k.key_sha256, 'hex') AS key_sha256, k.id, k.tenant_id, array_to_string(k.scopes, ' ') AS scopes,
    k.rate_limit_per_minute, t.status`;
const ACTIVE_KEYS = "app.api_keys k JOIN app.tenants t ON t.id = k.tenant_id AND k.revoked_at IS NULL";

const FIND = `SELECT ${KEY_COLUMNS} FROM ${ACTIVE_KEYS} WHERE k.key_sha256 = ANY($1::bytea[])`;

const FIND_AND_COUNT = `
  WITH found AS (
    SELECT ${KEY_COLUMNS}, 'key:' || k.id AS subject, asked.requests
    FROM unnest($1::bytea[], $2::int[]) AS asked (key_sha256, requests) JOIN ${ACTIVE_KEYS} USING (key_sha256)
  ), counted AS (
    INSERT INTO app.rate_limit_windows AS w (subject, window_start, requests)
    SELECT subject, date_bin('60 seconds', now(), 'epoch'), requests FROM found ORDER BY subject ${COUNT_ROWS}
  )
  SELECT key_sha256, id, tenant_id, scopes, rate_limit_per_minute, status, counted.requests AS counted, ends_in
  FROM found JOIN counted USING (subject)`;

/** Finds keys and counts their requests in one statement, for when PostgreSQL counts. */
export function authenticateInPostgres({ pool }: Database): AuthenticateKey {
  return inGroups(async (requestsOf) => {
    const values = [byteaArrayLiteral([...requestsOf.keys()]), arrayLiteral([...requestsOf.values()])];
    const { rows } = await pool.query<Row & { counted: number; ends_in: number }>({
      name: "find-and-count-keys",
      text: FIND_AND_COUNT,
      values,
    });
    return new Map(
      rows.map((row) => [
        row.key_sha256,
        { key: toActiveApiKey(row), count: { requests: row.counted, windowEndsInSeconds: row.ends_in } },
      ]),
    );
  });
}

/** Finds keys in PostgreSQL and counts their requests elsewhere. */
export function authenticateWithCounter({ pool }: Database, counter: Counter): AuthenticateKey {
  return inGroups(async (requestsOf) => {
    const { rows } = await pool.query<Row>({
      name: "find-keys",
      text: FIND,
      values: [byteaArrayLiteral([...requestsOf.keys()])],
    });
    if (rows.length === 0) return new Map();
    const counts = await counter(
      new Map(rows.map((row) => [subjectOf(row), requestsOf.get(row.key_sha256)!])),
    );
    return new Map(
      rows.map((row) => [row.key_sha256, { key: toActiveApiKey(row), count: counts.get(subjectOf(row))! }]),
    );
  });
}

function inGroups(findAndCount: FindAndCount): AuthenticateKey {
  return groupCalls(
    async (wanted: Buffer[]) => {
      const asked = wanted.map((sha256) => sha256.toString("hex"));
      const found = await findAndCount(tally(asked));
      const known = asked.filter((sha256) => found.has(sha256));
      const places = placesOf(known, new Map([...found].map(([sha256, { count }]) => [sha256, count])))[
        Symbol.iterator
      ]();
      return asked.map((sha256) => {
        const entry = found.get(sha256);
        return entry === undefined ? null : { key: entry.key, count: places.next().value! };
      });
    },
    { weightMax: 1_000, concurrencyMax: 1 },
  );
}

function subjectOf(row: Row): string {
  return `key:${row.id}`;
}

function toActiveApiKey(row: Row): ActiveApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    scopes: row.scopes.split(" ") as Scope[],
    rateLimitPerMinute: row.rate_limit_per_minute,
    tenantStatus: row.status,
  };
}
