/**
 * `DATABASE_URL=… CHAIN_KEY_ENCRYPTION_SECRET=<new>,<old> npm run reseal-secrets`: seals with the first secret whatever the others
 * have sealed. Safe to interrupt and to repeat. Exit code 0 when only the first secret is needed from now on, 1 when something
 * does not open, 2 when it could not be done.
 */
import { InvalidSettingsError, loadConfig } from "#api/config.ts";
import { connectDatabase } from "#api/db/client.ts";
import { resealSecrets } from "#api/secrets/resealSecrets.ts";
import { createSecretBox } from "#api/secrets/secretBox.ts";

async function main(): Promise<number> {
  const { DATABASE_URL: url, CHAIN_KEY_ENCRYPTION_SECRET: secrets } = loadConfig(process.env);
  if (secrets === undefined)
    throw new InvalidSettingsError(
      "Set CHAIN_KEY_ENCRYPTION_SECRET: the new secret first, then the old ones",
    );
  const db = connectDatabase({ url, connectionsMax: 1, statementTimeoutMs: 30_000, onError: () => {} });
  try {
    const { resealed, current, unopenable } = await resealSecrets(db, createSecretBox(secrets));
    console.log(`${resealed} sealed anew, ${current} were already, ${unopenable.length} do not open`);
    for (const what of unopenable) console.log(`  does not open: ${what}`);
    return unopenable.length === 0 ? 0 : 1;
  } finally {
    await db.pool.end();
  }
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(2);
  },
);
