#!/usr/bin/env node
// Plain JavaScript, so that an older Node can say what it lacks instead of failing on a type annotation.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(`holdfast-verify needs Node 24, this is ${process.version}\n`);
  process.exit(2);
}
const { runCli } = await import("../src/cli.ts");
process.exit(await runCli(process.argv.slice(2)));
