import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import path from "node:path";
import { postgresBinDir } from "#scripts/postgresBinaries.ts";
import type { Row } from "./row.ts";

/**
 * Whether the ratio keeps the promise: "≥ 2.5", "≤ 1" or "± 20 %" (of 1). null where nothing was promised.
 * @throws {RangeError} on a promise it cannot read.
 */
export function isMet({ ratio, promise }: Pick<Row, "ratio" | "promise">): boolean | null {
  if (promise === "") return null;
  const [, sign, bound] = promise.match(/^([≥≤±]) ([\d.]+)(?: %)?$/) ?? [];
  if (sign === "≥") return ratio >= Number(bound);
  if (sign === "≤") return ratio <= Number(bound);
  if (sign === "±") return Math.abs(ratio - 1) <= Number(bound) / 100;
  throw new RangeError(`Not a promise: ${promise}`);
}

/** A Markdown table that also reads well in a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    row.measured,
    row.baseline,
    Number.isFinite(row.ratio) ? row.ratio.toFixed(2) : "",
    row.promise,
    { true: "yes", false: "**no**", null: "" }[`${isMet(row)}`],
  ]);
  const table = [["what", "measured", "baseline", "ratio", "promised", "met"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const lines = table.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

/** The page that `--write` leaves: the command, the machine, the table, how it was measured. */
export function pageOf(rows: readonly Row[], command: string, measuredAt: Date): string {
  return `# Benchmarks

Measured on ${measuredAt.toISOString().slice(0, 10)} by

\`\`\`sh
${command}
\`\`\`

on ${machine()}. Load generator, baselines, API, workers, indexer, chain and database all share that machine.

${tableOf(rows)}

- A ratio compares figures of one run. Measured and baseline runs take turns, and the median of the turns counts.
- Where a promise is about accepting hashes, workers, indexer and chain are not running: a hash is accepted, and durable, without
  them. The other figures are with everything running, settings as in \`npm start\`.
- The load comes over 64 keep-alive connections, each with one request under way, from a lean generator in a thread of its
  own (\`test/bench/load.ts\`). One failed or unexpected answer fails the run.
- The baselines (\`test/bench/baselines.ts\`) are bare Hono routes in a process of their own, with prepared statements and a
  connection pool, against the same PostgreSQL server with the same settings: fsync and synchronous_commit are on.
`;
}

/** What the figures were measured on. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const postgres = execFileSync(path.join(postgresBinDir(), "postgres"), ["--version"], { encoding: "utf8" });
  const postgresVersion = postgres.match(/\d+\.\d+/)?.[0] ?? postgres.trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  const system = `${type()} with ${hugePages()}`;
  return `${cpus().length} cores (${model}), ${memory} GiB, ${system}, Node ${process.versions.node}, PostgreSQL ${postgresVersion}`;
}

/** PostgreSQL takes them when there are enough; what it reads of large tables costs more without. */
function hugePages(): string {
  if (type() !== "Linux") return "huge pages as configured";
  const count = /^HugePages_Total: +(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? "0";
  return count === "0" ? "no huge pages" : `${count} huge pages`;
}
