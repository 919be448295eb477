import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

// Anvil alone outlives a test process that is killed. This process stands between the two: it passes anvil's output on and ends
// anvil when its parent's IPC channel closes, however the parent went.
const architecture = process.arch === "x64" ? "amd64" : process.arch;
const manifest = import.meta.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/package.json`);
const binary = fileURLToPath(new URL("./bin/anvil", manifest));

const anvil = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
anvil.once("exit", (exitCode) => process.exit(exitCode ?? 0));
for (const signal of ["SIGTERM", "SIGINT", "disconnect"]) process.once(signal, () => anvil.kill("SIGKILL"));
