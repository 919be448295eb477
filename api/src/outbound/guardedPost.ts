import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { NotPublicError, type ResolveName, resolveTarget } from "./resolveTarget.ts";
import { parseTarget } from "./target.ts";

export type PostRequest = { url: string; headers: Record<string, string>; body: string };

/** What came of a call; `status` is null without a whole answer, `error` (for people) is null after a 2xx. */
export type PostOutcome = { status: number | null; durationMs: number; error: string | null };

/** Calls a URL that somebody else chose. It answers and does not throw. */
export type GuardedPost = (request: PostRequest) => Promise<PostOutcome>;

export type GuardedPostOptions = {
  resolveName: ResolveName;
  /** Lets http and https to this machine through as well; for development. */
  allowLoopback: boolean;
  /** For name, connection, TLS, request and answer together; milliseconds. */
  timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;
/** What is read of an answer; the connection is cut after it. */
const ANSWER_BYTES_MAX = 65_536;

/**
 * POSTs to URLs of tenants (HA-10): HTTPS, to public addresses alone, which are resolved anew for each call, checked, and then
 * connected to as they were checked: there is no second look-up that could answer differently. Redirects are not followed.
 */
export function createGuardedPost(options: GuardedPostOptions): GuardedPost {
  const { resolveName, allowLoopback, timeoutMs = TIMEOUT_MS } = options;
  return async (request) => {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(timeoutMs);
    const ended = (status: number | null, error: string | null): PostOutcome => ({
      status,
      durationMs: Math.round(performance.now() - startedAt),
      error,
    });
    const target = parseTarget(request.url, allowLoopback);
    if (!target.ok) return ended(null, `the URL ${target.reason}`);
    try {
      const addresses = await resolveTarget(target.hostname, { resolveName, allowLoopback, signal });
      const status = await send(request, target.url, addresses, signal);
      return ended(status, problemOf(status));
    } catch (error) {
      return ended(null, signal.aborted ? `no whole answer within ${timeoutMs} ms` : inWords(error));
    }
  };
}

function problemOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400
    ? `answered ${status}; redirects are not followed`
    : `answered ${status}`;
}

function send(
  { headers, body }: PostRequest,
  url: URL,
  addresses: string[],
  signal: AbortSignal,
): Promise<number> {
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: "POST",
      headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
      // A connection of its own: one that is kept would go to an address that was checked for an earlier call.
      agent: false,
      lookup: answerWith(addresses),
      rejectUnauthorized: true,
      signal,
    });
    call.on("error", reject);
    call.on("close", () => reject(new Error("closed")));
    call.on("response", (answer) => {
      let bytes = 0;
      const finish = () => {
        resolve(answer.statusCode!);
        call.destroy();
      };
      answer.on("error", reject);
      answer.on("end", finish);
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= ANSWER_BYTES_MAX) finish();
      });
    });
    call.end(body);
  });
}

/** A look-up that answers what was checked, whatever the name. */
function answerWith(addresses: string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, answer) => {
    if (all) answer(null, answers);
    else answer(null, answers[0]!.address, answers[0]!.family);
  };
}

const WORDS: Record<string, string> = {
  ENOTFOUND: "the name does not resolve",
  ENODATA: "the name does not resolve",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
};

/** Codes and not messages, which may name addresses behind a name. */
function inWords(error: unknown): string {
  if (error instanceof NotPublicError) return error.message;
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return "the connection ended within the answer";
  return WORDS[code] ?? `the connection failed (${code})`;
}
