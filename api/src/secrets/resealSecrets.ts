import { accountTokenKeyContext } from "../accounts/accountTokens.ts";
import { keySecretContext } from "../accounts/keySecret.ts";
import { publisherKeyContext } from "../chain/publisherKey.ts";
import type { Database } from "../db/client.ts";
import { webhookSecretContext } from "../webhooks/webhookSecret.ts";
import { type SecretBox, UnopenableSecretError } from "./secretBox.ts";
import { contextOf as serviceKeyContext } from "./serviceKeys.ts";

/** Where sealed values lie: `sealed` is the column, `key`, of SQL, finds the row, and leads to what the value is sealed for. */
type SealedColumn = { table: string; key: string; sealed: string; contextOf: (key: never) => string };

/** Every sealed value of the database; whoever adds one lists it here. */
const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: "app.chains", key: "chain_id", sealed: "private_key", contextOf: publisherKeyContext },
  { table: "app.account_token_keys", key: "kid", sealed: "private_key", contextOf: accountTokenKeyContext },
  { table: "app.webhooks", key: "id", sealed: "secret", contextOf: webhookSecretContext },
  {
    table: "app.api_key_secrets",
    key: "(api_key_id || ':' || id)",
    sealed: "sealed",
    contextOf: keySecretContext,
  },
  { table: "app.service_keys", key: "kid", sealed: "sealed_key", contextOf: serviceKeyContext },
];

/** `unopenable`: what each value is that none of the secrets opens; it stays as it is. */
export type Resealed = { resealed: number; current: number; unopenable: string[] };

/**
 * Opens every sealed value with any of the box's secrets, and seals it with the first. Each is changed on its own, from what was
 * read to the same secret sealed anew: it may be interrupted, repeated, and run beside everything else.
 */
export async function resealSecrets(db: Database, box: SecretBox): Promise<Resealed> {
  let resealed = 0;
  // Until a whole pass finds nothing: a process that still seals with an old secret may have written meanwhile.
  for (;;) {
    const pass = await resealOnce(db, box);
    if (pass.resealed === 0) return { ...pass, current: pass.current - resealed, resealed };
    resealed += pass.resealed;
  }
}

async function resealOnce({ pool }: Database, box: SecretBox): Promise<Resealed> {
  const outcome: Resealed = { resealed: 0, current: 0, unopenable: [] };
  for (const { table, key, sealed, contextOf } of SEALED_COLUMNS) {
    const { rows } = await pool.query<{ key: never; sealed: Buffer }>(
      `SELECT ${key} AS key, ${sealed} AS sealed FROM ${table} WHERE ${sealed} IS NOT NULL ORDER BY ${key}`,
    );
    for (const row of rows) {
      const context = contextOf(row.key);
      const opened = open(box, row.sealed, context);
      if (opened === null) outcome.unopenable.push(context);
      else if (box.isCurrent(row.sealed)) outcome.current++;
      else {
        const anew = box.seal(opened, context);
        await pool.query(`UPDATE ${table} SET ${sealed} = $3 WHERE ${key} = $1 AND ${sealed} = $2`, [
          row.key,
          row.sealed,
          anew,
        ]);
        outcome.resealed++;
      }
    }
  }
  return outcome;
}

function open(box: SecretBox, sealed: Buffer, context: string): Buffer | null {
  try {
    return box.open(sealed, context);
  } catch (error) {
    if (error instanceof UnopenableSecretError) return null;
    throw error;
  }
}
