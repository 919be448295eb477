import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { LoadJob, LoadResult } from "./load.ts";
import { ResponseReader } from "./responseReader.ts";

const job = workerData as LoadJob;
const { hostname, port } = new URL(job.url);
const latenciesMs: number[] = [];
const errorKinds: Record<string, number> = {};

const startMs = performance.now();
const measureFromMs = startMs + job.warmupSeconds * 1000;
const endMs = measureFromMs + job.seconds * 1000;
let lastAnswerMs = measureFromMs;

await Promise.all(Array.from({ length: job.connections }, (_, c) => keepAsking(c)));
parentPort!.postMessage(resultOf(latenciesMs));

/** Sends every `connections`-th request from `first` on, each after the answer to the one before. */
function keepAsking(first: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    const reader = new ResponseReader();
    let next = first;
    let finished = false;
    let sentMs = 0;
    const finish = () => {
      finished = true;
      socket.end();
    };
    const send = () => {
      const now = performance.now();
      if (next >= job.ends.length && job.repeat) next = first;
      if (now >= endMs || next >= job.ends.length) return finish();
      sentMs = now;
      socket.write(job.bytes.subarray(next ? job.ends[next - 1] : 0, job.ends[next]));
      next += job.connections;
    };
    socket.once("connect", send);
    socket.on("data", (chunk: Buffer) => {
      const status = reader.read(chunk);
      if (status === null) return;
      record(status, sentMs);
      send();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => countError(error.code ?? "error"));
    socket.once("close", (hadError) => {
      if (!finished && !hadError) countError("closed");
      resolve();
    });
  });
}

function record(status: number, sentMs: number): void {
  const now = performance.now();
  if (status !== job.expectStatus) countError(String(status));
  if (now < measureFromMs || now > endMs) return;
  lastAnswerMs = now;
  latenciesMs.push(now - sentMs);
}

function countError(kind: string): void {
  errorKinds[kind] = (errorKinds[kind] ?? 0) + 1;
}

function resultOf(latencies: number[]): LoadResult {
  const sorted = Float64Array.from(latencies).sort();
  const percentile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const answeredMs = Math.max(lastAnswerMs - measureFromMs, 1);
  return {
    requestsPerSecond: (sorted.length * 1000) / answeredMs,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    requests: sorted.length,
    errors: Object.values(errorKinds).reduce((sum, count) => sum + count, 0),
    errorKinds,
  };
}
