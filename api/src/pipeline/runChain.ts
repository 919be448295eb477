import type { Logger } from "pino";
import type { Hex } from "#protocol/bytes.ts";
import { type AnchorWriter, createAnchorWriter } from "../chain/anchorWriter.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { type ChainReader, createChainReader } from "../chain/chainReader.ts";
import {
  findMissingStartBlock,
  registerChain,
  requireChain,
  WrongChainError,
} from "../chain/registerChain.ts";
import { watchBalance } from "../chain/watchBalance.ts";
import { chains } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { eq } from "../db/drizzle.ts";
import type { WorkerMetrics } from "../operations/metrics.ts";
import type { BroadcastLimits } from "./broadcastAnchor.ts";
import type { DelegateOrigins } from "./delegateOrigins.ts";
import type { KeyedChain } from "./keyedChains.ts";
import { pipelineSteps } from "./pipelineSteps.ts";
import { runLoop, type Step } from "./runLoop.ts";
import type { SealLimits } from "./sealBatch.ts";
import type { SigningKey } from "./signingKey.ts";
import { untilDone } from "./untilDone.ts";

const BALANCE_INTERVAL_MS = 60_000;

export type RunChainDeps = {
  /** Opens connections of the chain's own: while its RPC is silent its steps hold some, which others must not wait for. */
  connect: () => Database;
  signingKey: SigningKey;
  delegateOrigins: DelegateOrigins;
  limits: SealLimits & BroadcastLimits;
  /** Pause between two looks of a step; milliseconds. */
  pollMs: number;
  rpcTimeoutMs: number;
  balanceAnchorsMin: number;
  clock: () => Date;
  logger: Logger;
  metrics: WorkerMetrics;
  /** Told when the chain's steps begin. */
  onReady: (chain: Chain, publisher: Hex) => void;
};

/**
 * Seals, broadcasts and confirms for one chain until `signal` is aborted.
 * @throws {WrongChainError} when the settings contradict their chain. One that was added over HTTP is waited for instead.
 */
export async function runChain(deps: RunChainDeps, keyed: KeyedChain, signal: AbortSignal): Promise<void> {
  const db = deps.connect();
  const contractAddress = Buffer.from(keyed.contractAddress.slice(2), "hex");
  const { chainId } = keyed;
  const reader = createChainReader({ rpcUrl: keyed.rpcUrl, contractAddress }, deps.rpcTimeoutMs, () =>
    deps.metrics.rpcErrors.inc({ chain_id: chainId }),
  );
  const writer = createAnchorWriter(reader, keyed);
  const { pollMs } = deps;
  // For what does not name the chain itself.
  const logger = deps.logger.child({ chainId });
  try {
    const chain = await untilDone(() => prepare(db, keyed, reader, writer), {
      pollMs,
      signal,
      logger,
      isFinal: (error) => keyed.source === "settings" && error instanceof WrongChainError,
    });
    if (chain === null) return;
    deps.onReady(chain, writer.publisher);
    const steps = pipelineSteps({ ...deps, db, chain, reader, writer });
    const loop = { pollMs, signal, logger, onRun: deps.metrics.observeStep(chainId) };
    await Promise.all([
      ...steps.map((step) => runLoop(step, loop)),
      runLoop(balanceStep(deps, chain, reader, writer), { ...loop, pollMs: BALANCE_INTERVAL_MS }),
    ]);
  } finally {
    await db.pool.end();
  }
}

/** Asks the chain whether it is the right one; then everybody may know it. */
async function prepare(
  db: Database,
  keyed: KeyedChain,
  reader: ChainReader,
  { publisher }: AnchorWriter,
): Promise<Chain> {
  await requireChain(reader, { ...keyed, publisher });
  if (keyed.source === "settings") {
    const settings = { ...keyed, publisher };
    return registerChain(db, settings, await findMissingStartBlock(db, reader, settings));
  }
  const [chain] = await db.orm.select().from(chains).where(eq(chains.chainId, keyed.chainId));
  if (chain === undefined) throw new Error(`chain ${keyed.chainId} is not in the database any more`);
  return chain;
}

function balanceStep(
  { balanceAnchorsMin, logger }: RunChainDeps,
  { chainId }: Chain,
  reader: ChainReader,
  writer: AnchorWriter,
): Step {
  return {
    name: "watch balance",
    run: async () => {
      await watchBalance({ chainId, reader, writer, anchorsLeftMin: balanceAnchorsMin, logger });
      return false;
    },
  };
}
