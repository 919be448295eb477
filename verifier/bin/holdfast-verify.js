#!/usr/bin/env node
// Plain JavaScript, so that an older Node can say what it lacks instead of failing on a type annotation.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) couldNotCheck(`needs Node 24, this is ${process.version}`);
// Node itself ends with 1, which here says that the receipt is invalid, on whatever nobody caught.
process.on("uncaughtException", (error) => couldNotCheck(error.message));
process.stderr.on("error", () => process.exit(2));
try {
  const { runCli } = await import("../src/cli.ts");
  process.exit(await runCli(process.argv.slice(2)));
} catch (error) {
  couldNotCheck(`could not start: ${error.message}`);
}

function couldNotCheck(why) {
  process.stderr.write(`holdfast-verify: ${why}\n`);
  process.exit(2);
}
