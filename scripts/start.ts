import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { InvalidSettingsError, SETTINGS } from "#api/config.ts";
import { type Stack, startStack } from "./stack/startStack.ts";

const USAGE = `Usage: npm start

Starts PostgreSQL, a development chain, the contract, the indexer, a worker and the API, and says how to use them.
Ctrl-C stops everything; the data stay in $HOLDFAST_HOME (default .holdfast).

DATABASE_URL, REDIS_URL and CHAIN_* use what runs elsewhere instead; docs/settings.md lists every setting.
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
  sleep 8; curl -s ${stack.api}/v1/receipts/${hash} -o receipt.json
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
  let stack: Stack | undefined;
  let stopping = false;
  const stopAll = async () => {
    if (stopping) return;
    stopping = true;
    console.log("\nStopping");
    // While the stack is still coming up there is nothing to stop it with yet: its parts end with this process.
    await stack?.stop();
    console.log("Stopped; the data are kept");
    process.exit(0);
  };
  process.on("SIGINT", stopAll);
  process.on("SIGTERM", stopAll);
  stack = await startStack({
    home,
    settings: givenSettings(),
    ports: { api: 8787, indexer: 42_069, rpc: 8545 },
    onProgress: (text) => console.log(`  ${text}`),
  });
  showHowToUse(stack, home);
}

main().catch((error: unknown) => {
  console.error(
    error instanceof InvalidSettingsError || error instanceof Error
      ? `\nCould not start: ${error.message}`
      : error,
  );
  process.exit(1);
});
