import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { load } from "./load.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";

let stop: (() => void) | undefined;
afterEach(() => stop?.());

/** A server that keeps what it is asked, and answers as `answer` has it. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse, body: string) => unknown) {
  const asked: string[] = [];
  const sockets = new Set<unknown>();
  const server = createServer(async (request, response) => {
    sockets.add(request.socket);
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    asked.push(`${request.method} ${request.url} ${request.headers["x-api-key"]} ${body}`);
    await answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, sockets };
}

test("each request is sent once, whole, and the run ends with the last one", async () => {
  const { url, asked, sockets } = await serve((_request, response) => response.end("ok"));
  const result = await load({
    url,
    seconds: 60,
    warmupSeconds: 0,
    connections: 7,
    distinct: 100,
    request: (i) => ({ method: "POST", path: `/${i}`, headers: { "x-api-key": `k${i % 7}` }, body: `é${i}` }),
  });
  expect(asked.toSorted()).toEqual(
    Array.from({ length: 100 }, (_, i) => `POST /${i} k${i % 7} é${i}`).toSorted(),
  );
  expect(sockets.size).toBe(7);
  expect(result).toMatchObject({ requests: 100, errors: 0 });
});

test("answers of every form are read to their end", async () => {
  const { url } = await serve(async (request, response) => {
    if (request.url === "/length") return response.writeHead(200, { "Content-Length": "5" }).end("five!");
    if (request.url === "/empty") return response.writeHead(200, { "content-length": "0" }).end();
    if (request.url === "/large") return response.end("x".repeat(1_000_000));
    response.write("0\r\n"); // chunked, in two packets, with a body that looks like its own end
    await new Promise((resolve) => setTimeout(resolve, 2));
    response.end("\r\n0\r\n\r\nmore");
  });
  const paths = ["/length", "/empty", "/large", "/chunked"];
  const result = await load({
    url,
    seconds: 60,
    warmupSeconds: 0,
    connections: 2,
    distinct: 40,
    request: (i) => ({ method: "GET", path: paths[i % 4]! }),
  });
  expect(result).toMatchObject({ requests: 40, errors: 0 });
});

test("rate and latencies are those of the server, and only of the measured time", async () => {
  const { url, asked } = await serve(async (_request, response) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    response.end("ok");
  });
  const result = await load({
    url,
    seconds: 0.6,
    warmupSeconds: 0.4,
    connections: 4,
    distinct: 4,
    repeat: true,
    request: () => ({ method: "GET", path: "/" }),
  });
  expect(result.p50Ms).toBeGreaterThanOrEqual(19);
  expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
  expect(result.requestsPerSecond).toBeLessThanOrEqual(4 / 0.019);
  expect(result.requests).toBeLessThan(asked.length);
});

test("unexpected statuses and cut connections are errors, by kind", async () => {
  const { url } = await serve((request, response) => {
    if (request.url === "/cut") return request.socket.destroy();
    return response.writeHead(request.url === "/429" ? 429 : 202).end();
  });
  const paths = ["/", "/429", "/cut"];
  const run = { url, seconds: 60, warmupSeconds: 0, connections: 3, distinct: 3, expectStatus: 202 };
  const request = (i: number) => ({ method: "GET" as const, path: paths[i]! });
  const result = await load({ ...run, request });
  expect(result.errors).toBe(2);
  expect(result.errorKinds["429"]).toBe(1);
  await expect(loadWithoutErrors({ ...run, request })).rejects.toThrow(/"429":1/);
});

test("a server that is not there is an error, not a rate", async () => {
  const { url } = await serve(() => {});
  stop?.();
  const run = {
    url,
    seconds: 1,
    connections: 2,
    distinct: 2,
    request: () => ({ method: "GET" as const, path: "/" }),
  };
  expect(await load(run)).toMatchObject({ requests: 0, errors: 2, errorKinds: { ECONNREFUSED: 2 } });
});

test("variants take turns, and the median of each counts", async () => {
  const order: string[] = [];
  const measured = { a: [1, 9, 2], b: [30, 10, 20] };
  const next = (name: "a" | "b") => async () => {
    order.push(name);
    return measured[name][order.filter((other) => other === name).length - 1]!;
  };
  expect(await interleave(3, { a: next("a"), b: next("b") })).toEqual({ a: 2, b: 20 });
  expect(order.join("")).toBe("ababab");
  expect(await interleave(2, { x: async () => order.push("") })).toEqual({ x: 7.5 });
});
