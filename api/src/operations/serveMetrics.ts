import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export type MetricsServerOptions = {
  registry: Registry;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Told the request's Authorization header. */
  mayRead: (authorization: string | undefined) => boolean;
  /** Ends it. */
  signal: AbortSignal;
};

/**
 * Serves a process's own metrics at `/metrics`, for a process that serves nothing else.
 * @returns the port, once it listens; throws when that is taken.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<number> {
  const { registry, host, port, mayRead, signal } = options;
  const server = createServer((request, response) => {
    const [path] = (request.url ?? "").split("?");
    if (request.method !== "GET" || path !== "/metrics") return response.writeHead(404).end();
    if (!mayRead(request.headers.authorization))
      return response.writeHead(401, { "WWW-Authenticate": "Bearer" }).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "Content-Type": registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  signal.addEventListener("abort", () => server.closeAllConnections());
  server.listen({ port, host, signal });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
