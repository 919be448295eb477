/**
 * `npm run bench -- [section …] [--json] [--write docs/benchmarks.md]`: measures what is promised about speed.
 * Without sections all of them run. Exit code 1 when a promise is not met.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isMet, machine, pageOf, tableOf } from "#test/bench/report.ts";
import type { Row } from "#test/bench/row.ts";
import { sections } from "#test/bench/sections.ts";
import { startBenchStack } from "#test/bench/startBenchStack.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    write: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(
    `Usage: npm run bench [-- <section> … --json --write <file>]\nSections: ${Object.keys(sections).join(", ")}`,
  );
  process.exit(0);
}
const names = positionals.length > 0 ? positionals : Object.keys(sections);
const unknown = names.filter((name) => !(name in sections));
if (unknown.length > 0) {
  console.error(`No such section: ${unknown.join(", ")}. There are: ${Object.keys(sections).join(", ")}`);
  process.exit(2);
}

const rows: Row[] = [];
console.error(machine());
for (const name of names) {
  console.error(`measuring ${name} …`);
  const measured = await sections[name]!({ startStack: startBenchStack });
  // A later section that fails must not take the figures of this one with it.
  console.error(tableOf(measured));
  rows.push(...measured);
}
console.log(values.json ? JSON.stringify(rows, null, 2) : tableOf(rows));
if (values.write) {
  const command = ["npm run bench --", ...positionals, `--write ${values.write}`].join(" ");
  writeFileSync(values.write, pageOf(rows, command, new Date()));
}
process.exitCode = rows.some((row) => isMet(row) === false) ? 1 : 0;
