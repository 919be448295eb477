import path from "node:path";
import { parseArgs } from "node:util";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { EdrNetworkConfigOverride, EdrNetworkMiningUserConfig } from "hardhat/types/config";
import config from "../hardhat.config.ts";

/**
 * A development chain as a process of its own:
 * `node scripts/devChain.ts [--host H] [--port N] [--mining M] [--initial-date S] [--hardfork F]`.
 *
 * - host: default 127.0.0.1. port: default 0, which is any free one.
 * - mining: milliseconds between blocks (default: as in hardhat.config.ts, 1000), "auto" (a block per transaction) or
 *   "manual" (only when told to through evm_mine).
 * - initial-date: the first block's time in seconds since 1970; default: now. hardfork: default: Hardhat's newest.
 *   With both given, the same transactions and block times give the same block hashes.
 *
 * Prints one line of JSON, `{"rpcUrl","chainId"}`, when it listens. The chain lives in memory. Ends on SIGTERM and SIGINT,
 * and, when started with an IPC channel, as soon as its parent is gone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "0" },
      mining: { type: "string" },
      "initial-date": { type: "string" },
      hardfork: { type: "string" },
    },
  });
  const hre = await createHardhatRuntimeEnvironment(config, {}, path.dirname(import.meta.dirname));
  const override: EdrNetworkConfigOverride = {
    ...(values.mining !== undefined && overrideMining(values.mining)),
    ...(values["initial-date"] !== undefined && { initialDate: parseDate(values["initial-date"]) }),
    ...(values.hardfork !== undefined && { hardfork: values.hardfork }),
  };
  const server = await hre.network.createServer(
    { network: "devChain", override },
    values.host,
    parsePort(values.port),
  );
  const { address, port } = await server.listen();
  const chainId = hre.config.networks.devChain?.chainId;
  console.log(JSON.stringify({ rpcUrl: `http://${address}:${port}`, chainId }));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port ${text}: expected 0–65535`);
  return port;
}

function parseDate(text: string): Date {
  const seconds = Number(text);
  if (Number.isSafeInteger(seconds) && seconds > 0) return new Date(seconds * 1_000);
  throw new Error(`--initial-date ${text}: expected seconds since 1970`);
}

// As on chains with several blocks a second, blocks may share a timestamp rather than run ahead of the clock.
function overrideMining(text: string): EdrNetworkConfigOverride {
  return { mining: parseMining(text), allowBlocksWithSameTimestamp: true };
}

function parseMining(text: string): EdrNetworkMiningUserConfig {
  if (text === "auto") return { auto: true, interval: 0 };
  if (text === "manual") return { auto: false, interval: 0 };
  const intervalMs = Number(text);
  if (Number.isInteger(intervalMs) && intervalMs > 0) return { auto: false, interval: intervalMs };
  throw new Error(`--mining ${text}: expected "auto", "manual" or milliseconds`);
}

function stopWith(exitCode: number, reason?: string): void {
  if (reason !== undefined) console.error(reason);
  process.exit(exitCode);
}

// Nothing is on disk, so there is nothing to flush: the process ends at once and the system closes its sockets.
process.once("SIGTERM", () => stopWith(0));
process.once("SIGINT", () => stopWith(0));
process.once("disconnect", () => stopWith(0));
// Hardhat's server reports a taken port as an event that nobody can listen to, not through listen().
process.once("uncaughtException", (error) => stopWith(1, `The development chain stopped: ${error.message}`));

await main().catch((error: Error) => stopWith(1, error.message));
