import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { LOCALHOST_CERTIFICATE } from "./fixtures/localhostCertificate.ts";

export type ReceivedCall = { headers: http.IncomingHttpHeaders; body: string; path: string; atMs: number };

/** What a receiver does with a call; the body has been read. Default: 204. */
export type Behaviour = (response: http.ServerResponse, call: ReceivedCall, socket: Socket) => unknown;

export type Receiver = {
  url: string;
  port: number;
  /** Every call, in order of arrival. */
  calls: readonly ReceivedCall[];
  /** Connections that were made, also those over which no call came. */
  connections(): number;
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
};

export type ReceiverOptions = { behaviour?: Behaviour; tls?: boolean; host?: string; port?: number };

/** A server that is called, on a free loopback port. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { tls = false, host = "127.0.0.1", port = 0 } = options;
  let behaviour = options.behaviour ?? accept;
  const calls: ReceivedCall[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const onRequest: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      const call = {
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        path: request.url ?? "",
        atMs: performance.now(),
      };
      calls.push(call);
      behaviour(response, call, request.socket);
    });
  };
  const server = tls ? https.createServer(LOCALHOST_CERTIFICATE, onRequest) : http.createServer(onRequest);
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${tls ? "https" : "http"}://${host}:${bound}/hook`,
    port: bound,
    calls,
    connections: () => connections,
    behave: (next) => {
      behaviour = next;
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export const accept: Behaviour = (response) => response.writeHead(204).end();
export const hang: Behaviour = () => {};
export const answer =
  (status: number, headers: http.OutgoingHttpHeaders = {}): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end();
