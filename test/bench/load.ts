import { Worker } from "node:worker_threads";

export type LoadRequest = {
  method: "GET" | "POST";
  /** Beginning with "/". */
  path: string;
  headers?: Record<string, string>;
  body?: string;
};

export type LoadOptions = {
  /** Origin of the server, for example "http://127.0.0.1:8787". */
  url: string;
  /** How long to measure. */
  seconds: number;
  /** How long to send before measuring. Default 1. */
  warmupSeconds?: number;
  /** Keep-alive connections, each with one request under way. Default 64. */
  connections?: number;
  /** How many requests are built in advance. Connection `c` sends those with i % connections === c. */
  distinct: number;
  request: (i: number) => LoadRequest;
  /** Begin again after the last request; otherwise the measurement ends there. Default false. */
  repeat?: boolean;
  /** Answers with another status count as errors. Default 200. */
  expectStatus?: number;
};

export type LoadResult = {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers within the measured time, those with an unexpected status included. */
  requests: number;
  /** Requests without an answer, or with another status than the expected one, warm-up included. */
  errors: number;
  /** Statuses that were not expected, and connection failures, with how often each came. */
  errorKinds: Record<string, number>;
};

/** What the worker gets: all requests as bytes one after the other; request `i` ends where `ends[i]` says. */
export type LoadJob = Required<Omit<LoadOptions, "request" | "distinct">> & {
  bytes: Uint8Array;
  ends: Uint32Array;
};

/**
 * Sends requests as fast as the server answers them, from a thread of its own. Lean on purpose: requests are built
 * beforehand and of an answer only status and length are read, so that the server gets the machine.
 */
export async function load({ request, distinct, ...options }: LoadOptions): Promise<LoadResult> {
  const { host } = new URL(options.url);
  const job: LoadJob = {
    warmupSeconds: 1,
    connections: 64,
    repeat: false,
    expectStatus: 200,
    ...options,
    ...buildRequests(distinct, request, host),
  };
  const worker = new Worker(new URL("./loadWorker.ts", import.meta.url), {
    workerData: job,
    transferList: [job.bytes.buffer, job.ends.buffer] as ArrayBuffer[],
  });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function buildRequests(distinct: number, request: (i: number) => LoadRequest, host: string) {
  const parts: Buffer[] = [];
  const ends = new Uint32Array(distinct);
  let end = 0;
  for (let i = 0; i < distinct; i++) {
    const part = Buffer.from(requestText(request(i), host));
    parts.push(part);
    end += part.length;
    ends[i] = end;
  }
  const bytes = new Uint8Array(end);
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return { bytes, ends };
}

function requestText({ method, path, headers = {}, body }: LoadRequest, host: string): string {
  const all: Record<string, string> = { host, ...headers };
  if (body !== undefined) {
    all["content-type"] ??= "application/json";
    all["content-length"] = String(Buffer.byteLength(body));
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n${body ?? ""}`;
}
