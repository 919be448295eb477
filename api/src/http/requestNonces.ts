import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";

/** Of one key; `nonce` is a UUID in lower case. */
export type RequestNonce = { tenantId: string; apiKeyId: string; nonce: string };

/** Answers whether the nonce is new; from then on it is not. */
export type TakeNonce = (nonce: RequestNonce) => Promise<boolean>;

// Sorted, so that two processes that take the same nonces wait for each other and never deadlock.
const TAKE = `
  INSERT INTO app.request_nonces (tenant_id, api_key_id, nonce)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS taken (tenant_id, api_key_id, nonce) ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING
  RETURNING tenant_id, api_key_id, nonce`;

/** Takes nonces for all processes; committed before it answers. Calls that wait together share a statement. */
export function createNonceTaker({ pool }: Database): TakeNonce {
  return groupCalls(
    async (wanted: RequestNonce[]) => {
      const { rows } = await pool.query<{ tenant_id: string; api_key_id: string; nonce: string }>({
        name: "take-nonces",
        text: TAKE,
        values: [
          arrayLiteral(wanted.map(({ tenantId }) => tenantId)),
          arrayLiteral(wanted.map(({ apiKeyId }) => apiKeyId)),
          arrayLiteral(wanted.map(({ nonce }) => nonce)),
        ],
      });
      const taken = new Set(rows.map((row) => `${row.tenant_id} ${row.api_key_id} ${row.nonce}`));
      // Of equal ones in a group the first has it.
      return wanted.map(({ tenantId, apiKeyId, nonce }) => taken.delete(`${tenantId} ${apiKeyId} ${nonce}`));
    },
    { weightMax: 1_000, concurrencyMax: 1 },
  );
}

// A time stamp is taken for 600 s at most, from 300 s before to 300 s after it; the rest is for clocks that differ.
const FORGET = "DELETE FROM app.request_nonces WHERE seen_at < now() - interval '1 hour'";

/** Deletes nonces whose requests would be refused for their time stamp by now. */
export async function forgetOldNonces({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(FORGET);
}
