import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { InvalidSettingsError, SETTINGS } from "#api/config.ts";
import { type Stack, startStack } from "./stack/startStack.ts";

const USAGE = `Usage: npm start

Starts PostgreSQL, a development chain, the contract, the indexer, a worker and the API, and says how to use them.
Ctrl-C stops everything; the data stay in $HOLDFAST_HOME (default .holdfast).

DATABASE_URL (and DATABASE_OWNER_URL, when another role owns the database), REDIS_URL and CHAIN_* use what runs elsewhere instead;
docs/settings.md lists every setting.
`;

const OWN_SETTINGS = ["DATABASE_OWNER_URL", "CHAIN_START_BLOCK"];

function givenSettings(): Record<string, string> {
  const names = [...Object.keys(SETTINGS), ...OWN_SETTINGS];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

function showHowToUse(stack: Stack, home: string): void {
  const hash = `0x${randomBytes(32).toString("hex")}`;
  console.log(`
Holdfast is ready.

  API       ${stack.api}
  Indexer   ${stack.indexer}/graphql
  Chain     ${stack.rpc} (id ${stack.chainId})
  Contract  ${stack.contract}
  Key       ${stack.adminKey}
  Details   ${join(home, "stack.json")}

Anchor a hash, wait a few seconds for its receipt, and verify it against the chain alone:

  curl -s ${stack.api}/v1/hashes -H "X-API-Key: ${stack.adminKey}" -H "Content-Type: application/json" -d '{"hash":"${hash}"}'
  until curl -sf ${stack.api}/v1/receipts/${hash} -o receipt.json; do sleep 1; done
  npx holdfast-verify receipt.json --rpc ${stack.rpc}

Ctrl-C stops everything and keeps the data.
`);
}

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(USAGE);
    return;
  }
  const home = process.env.HOLDFAST_HOME || ".holdfast";
  const abort = new AbortController();
  const ended = Promise.withResolvers<number>();
  const end = (code: number, reason?: string) => {
    if (abort.signal.aborted) return;
    if (reason !== undefined) console.error(`\n${reason}`);
    console.log("\nStopping");
    ended.resolve(code);
    abort.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end(0));
  // A terminal that was closed takes no text any more, which must not keep the stack from stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const stack = await startStack({
    home,
    settings: givenSettings(),
    ports: { api: 8787, indexer: 42_069, rpc: 8545 },
    onProgress: (text) => console.log(`  ${text}`),
    onFailure: (reason) => end(1, reason),
    signal: abort.signal,
  }).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
    return null;
  });
  if (stack !== null) showHowToUse(stack, home);
  const code = await ended.promise;
  await stack?.stop();
  console.log("Stopped; the data are kept");
  process.exit(code);
}

main().catch((error: unknown) => {
  console.error(
    error instanceof InvalidSettingsError || error instanceof Error
      ? `\nCould not start: ${error.message}`
      : error,
  );
  process.exit(1);
});
