import { SETTINGS } from "#api/config.ts";

type Row = { name: string; doc: string; unit?: string; default?: string; secret?: boolean };

/** Settings of the commands around the two processes; each command reads its own. */
const COMMAND_SETTINGS: Record<string, Row[]> = {
  "Indexer (`npm run indexer`)": [
    {
      name: "INDEXER_CHAINS",
      doc: "Chains to index beside those of the database, a JSON list of `{chainId, rpcUrl, contractAddress, startBlock, pollingIntervalMs, disposable}`",
    },
    {
      name: "INDEXER_DATABASE_URL",
      doc: "PostgreSQL database of the index; a role that may create schemas",
      secret: true,
    },
    { name: "INDEXER_HOST", doc: "Address that GraphQL and /status listen on", default: "127.0.0.1" },
    { name: "INDEXER_PORT", doc: "Port of GraphQL and /status; 0 takes a free one", default: "42069" },
    { name: "INDEXER_READER_ROLE", doc: "Role that may read the views in schema `chain`: the API's" },
    { name: "INDEXER_LOG_LEVEL", doc: "error, warn, info, debug or trace", default: "info" },
  ],
  "Migration (`npm run migrate`)": [
    {
      name: "DATABASE_OWNER_URL",
      doc: "The role that owns the database; DATABASE_URL when it is not given",
      secret: true,
    },
  ],
  "Deployment (`npm run deploy -- --network live`)": [
    { name: "RPC_URL", doc: "JSON-RPC endpoint of the chain to deploy on", secret: true },
    { name: "DEPLOYER_PRIVATE_KEY", doc: "Key that pays for the deployment", secret: true },
  ],
  "Everything at once (`npm start`)": [
    {
      name: "HOLDFAST_HOME",
      doc: "Folder of the stack's data, keys, logs and stack.json",
      default: ".holdfast",
    },
    {
      name: "CHAIN_START_BLOCK",
      doc: "Block of the contract's deployment on an external chain",
      unit: "block",
      default: "0",
    },
  ],
};

export function settingsPage(): string {
  const processes: Row[] = Object.entries(SETTINGS).map(([name, setting]) => ({
    name,
    ...(setting as Omit<Row, "name">),
  }));
  const sections = { "API and workers (`npm run api`, `npm run worker`)": processes, ...COMMAND_SETTINGS };
  const tables = Object.entries(sections).map(([title, rows]) => `## ${title}\n\n${table(rows)}`);
  return `# Settings\n\nAll come from the environment; an empty value counts as none. Printed by \`npm run settings\`.\n\n${tables.join("\n\n")}\n`;
}

function table(rows: Row[]): string {
  const cells = rows.map(({ name, doc, unit, default: value, secret }) => [
    `\`${name}\``,
    `${doc}${secret ? " (secret)" : ""}`,
    unit ?? "",
    value === undefined ? "" : `\`${value}\``,
  ]);
  const head = ["Name", "Meaning", "Unit", "Default"];
  // Columns as wide as their widest cell: the formatter that checks the page writes them so.
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]!.length)),
  );
  const lines = [head, widths.map((width) => "-".repeat(width)), ...cells].map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`,
  );
  return lines.join("\n");
}
