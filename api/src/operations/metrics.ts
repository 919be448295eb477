import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { formatEther } from "viem";
import type { OnStepRun } from "../pipeline/runLoop.ts";
import type { JobDepths } from "./readJobDepths.ts";
import type { PipelineDepth } from "./readPipelineDepths.ts";

export type MetricsSources = {
  /** What the database knows of each chain's pipeline; asked at every scrape. */
  pipelineDepths: () => Promise<PipelineDepth[]>;
  jobDepths: () => Promise<JobDepths>;
  /** Wei that the publisher of a chain has left; null when the chain does not answer. */
  publisherBalances: () => Promise<{ chainId: number; publisher: string; balanceWei: bigint | null }[]>;
};

/** Seconds; a submission is a few milliseconds, a question to the chain may take seconds. */
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A step of a worker is milliseconds, or a transaction's way into a block. */
const STEP_BUCKETS_S = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What every process counts. */
function createProcessMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "holdfast_" });
  return {
    registry,
    rpcErrors: new Counter({
      name: "holdfast_rpc_errors_total",
      help: "Calls to a chain's RPC endpoint that failed",
      labelNames: ["chain_id"],
      registers: [registry],
    }),
  };
}

/** Every metric of an API process, by its Prometheus name; whoever counts gets the counter it needs. */
export function createMetrics() {
  const process = createProcessMetrics();
  const registers = [process.registry];
  return {
    ...process,
    requestSeconds: new Histogram({
      name: "holdfast_http_request_duration_seconds",
      help: "Time from a request's first byte to its answer, by route and status",
      labelNames: ["method", "route", "status"],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
    limited: new Counter({
      name: "holdfast_limited_requests_total",
      help: "Requests that were answered 429, by what they went over",
      labelNames: ["limit"],
      registers,
    }),
    limitFallbacks: new Counter({
      name: "holdfast_rate_limit_fallbacks_total",
      help: "Counts that went to PostgreSQL because Redis did not answer",
      registers,
    }),
    disagreements: new Counter({
      name: "holdfast_disagreements_total",
      help: "Answers for which batch, index and contract did not agree (protocol §5)",
      labelNames: ["chain_id", "failed"],
      registers,
    }),
  };
}
export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric of a worker. */
export function createWorkerMetrics(clock: () => Date) {
  const process = createProcessMetrics();
  const registers = [process.registry];
  const labelNames = ["step", "chain_id"];
  const seconds = new Histogram({
    name: "holdfast_step_duration_seconds",
    help: "Time that a step took, by whether it found something to do",
    labelNames: [...labelNames, "outcome"],
    buckets: STEP_BUCKETS_S,
    registers,
  });
  const lastSuccess = new Gauge({
    name: "holdfast_step_last_success_timestamp_seconds",
    help: "When a step last ended without an error, in seconds since 1970",
    labelNames,
    registers,
  });
  return {
    ...process,
    /** Hears of every run of a step; of a chain's when it names one. */
    observeStep:
      (chainId?: number): OnStepRun =>
      (step, outcome, tookSeconds) => {
        const labels = { step, chain_id: chainId === undefined ? "" : String(chainId) };
        seconds.observe({ ...labels, outcome }, tookSeconds);
        if (outcome !== "failed") lastSuccess.set(labels, clock().getTime() / 1_000);
      },
  };
}

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

/**
 * Adds what is read and not counted, the pipeline and the publishers. What cannot be read is left out: a database that is away must
 * not hide the other metrics.
 * @returns what reads it; to be called before a scrape is answered.
 */
export function registerGauges(
  { registry }: Metrics,
  sources: MetricsSources,
  clock: () => Date,
): () => Promise<void> {
  const gauge = (name: string, help: string, ...labels: string[]) =>
    new Gauge({ name: `holdfast_${name}`, help, labelNames: ["chain_id", ...labels], registers: [registry] });
  const pending = gauge("pending_hashes", "Accepted hashes that are in no batch yet");
  const oldest = gauge(
    "oldest_pending_seconds",
    "Age of the oldest hash that is in no batch yet; 0 when there is none",
  );
  const batches = gauge("batches", "Batches by state", "state");
  const oldestBatch = gauge(
    "oldest_open_batch_seconds",
    "Age of the oldest batch that is not anchored; 0 when there is none",
  );
  const gas = gauge("anchor_gas_used", "Gas that the transactions of anchored batches have used");
  const behind = gauge(
    "index_behind_blocks",
    "Blocks between the chain's head as a worker last read it and the index",
  );
  const headAge = gauge("chain_heads_age_seconds", "Since a worker last read the chain's head");
  const balance = gauge(
    "publisher_balance_ether",
    "What the publisher has left to pay for anchors",
    "publisher",
  );
  const queued = new Gauge({
    name: "holdfast_jobs",
    help: "Jobs by queue and state; dead letters wait in the queue dead-letters",
    labelNames: ["queue", "state"],
    registers: [registry],
  });
  const attempts = new Counter({
    name: "holdfast_webhook_attempts_total",
    help: "Attempts of webhook deliveries, by outcome",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const all = [queued, attempts, pending, oldest, batches, oldestBatch, gas, behind, headAge, balance];

  const ageOf = (since: Date | null) =>
    since === null ? 0 : Math.max(0, (clock().getTime() - since.getTime()) / 1_000);

  function setDepth(depth: PipelineDepth): void {
    const chain_id = String(depth.chainId);
    pending.set({ chain_id }, depth.pendingHashes);
    oldest.set({ chain_id }, ageOf(depth.oldestPendingAt));
    for (const [state, count] of Object.entries(depth.batches)) batches.set({ chain_id, state }, count);
    oldestBatch.set({ chain_id }, ageOf(depth.oldestOpenBatchAt));
    gas.set({ chain_id }, depth.gasUsed);
    if (depth.blocksBehind !== null) behind.set({ chain_id }, depth.blocksBehind);
    if (depth.headsReadAt !== null) headAge.set({ chain_id }, ageOf(depth.headsReadAt));
  }

  return async () => {
    const [depths, work, balances] = await Promise.all([
      sources.pipelineDepths().catch(() => []),
      sources.jobDepths().catch(() => null),
      sources.publisherBalances().catch(() => []),
    ]);
    for (const one of all) one.reset();
    for (const depth of depths) setDepth(depth);
    for (const { queue, state, jobs } of work?.jobs ?? []) queued.set({ queue, state }, jobs);
    for (const { outcome, attempts: count } of work?.webhookAttempts ?? []) attempts.inc({ outcome }, count);
    for (const { chainId, publisher, balanceWei } of balances)
      if (balanceWei !== null)
        balance.set({ chain_id: String(chainId), publisher }, Number(formatEther(balanceWei)));
  };
}
