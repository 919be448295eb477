import { parseArgs } from "node:util";
import { type ChainReader, createChainReader } from "#api/chain/chainReader.ts";
import { InvalidSettingsError, loadConfig } from "#api/config.ts";
import { chains } from "#api/db/chains.ts";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { checkInvariants, type Progress } from "#api/pipeline/checkInvariants.ts";
import { invariants, type Violation } from "#api/pipeline/invariants/violation.ts";
import { printable, printableJson, printableLines } from "#verifier/printable.ts";
import { writeAll } from "#verifier/writeAll.ts";

const USAGE = `Usage: DATABASE_URL=… node scripts/checkInvariants.ts [--rpc] [--signatures all|none|<per batch>] [--json]

Checks that everything in the database holds together: submissions, trees, anchors, receipts, what devices
signed, and what is counted.
--rpc          also asks each chain's contract, at the RPC URL that the database knows.
--signatures   which signatures of each batch are verified; devices' all are, unless none is to be. Default: all.
--json         one line of JSON: {"violations":[{"kind","batchId","contentHash","found"}]}.
Ends with 0 when all holds, 1 when something does not, 2 when it could not check.`;

const PROGRESS_INTERVAL_MS = 1_000;

/** Reads a snapshot, so it may run beside a working pipeline; memory does not grow with the database. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rpc: { type: "boolean", default: false },
      signatures: { type: "string", default: "all" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const config = loadConfig(process.env);
  const db = connectDatabase({
    url: config.DATABASE_URL,
    connectionsMax: 2,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  try {
    const violations = await checkInvariants(db, {
      verifySignatures: parseSignatures(values.signatures),
      readerOf: values.rpc ? await readersOf(db, config.RPC_TIMEOUT_MS) : () => null,
      onProgress: progressLine(),
    });
    print(violations, values.json);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await db.pool.end();
  }
}

function parseSignatures(text: string): "all" | "none" | number {
  if (text === "all" || text === "none") return text;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidSettingsError(`--signatures ${text}\n\n${USAGE}`);
  return Number(text);
}

async function readersOf({ orm }: Database, timeoutMs: number): Promise<(chainId: number) => ChainReader> {
  const known = await orm.select().from(chains);
  const readers = new Map(known.map((chain) => [chain.chainId, createChainReader(chain, timeoutMs)]));
  return (chainId) => readers.get(chainId)!;
}

/** Progress goes to stderr: stdout is the result. */
function progressLine(): (progress: Readonly<Progress>) => void {
  let dueMs = performance.now() + PROGRESS_INTERVAL_MS;
  return ({ submissions, batches, violations }) => {
    if (performance.now() < dueMs) return;
    dueMs = performance.now() + PROGRESS_INTERVAL_MS;
    console.error(`${submissions} submissions and ${batches} batches checked, ${violations} violations`);
  };
}

function print(violations: Violation[], asJson: boolean): void {
  // Text of a database or a node stands in it. A verdict that was not written whole is none.
  const text = asJson ? `${printableJson({ violations })}\n` : printableLines(report(violations));
  writeAll(process.stdout.fd, text);
}

function report(violations: Violation[]): string[] {
  const lines = violations.map(({ kind, batchId, contentHash, found }) => {
    const where = [batchId && `batch ${batchId}`, contentHash].filter(Boolean).join(", ");
    return `${kind}: ${invariants[kind]} (${[where, found].filter(Boolean).join("; ")})`;
  });
  return [...lines, violations.length === 0 ? "All invariants hold." : `${violations.length} violations.`];
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: Error) => {
    console.error(`Could not check: ${printable(error.message)}`);
    process.exit(2);
  },
);
