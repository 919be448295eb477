import { type AddressInfo, createServer, type Socket } from "node:net";
import tls from "node:tls";
import { afterEach, beforeAll, expect, test } from "vitest";
import { LOCALHOST_CERTIFICATE } from "#test/support/fixtures/localhostCertificate.ts";
import { answer, type Behaviour, hang, type Receiver, startReceiver } from "#test/support/receiver.ts";
import { createGuardedPost } from "./guardedPost.ts";
import type { ResolveName } from "./resolveTarget.ts";

const noNames: ResolveName = async (hostname) => {
  throw Object.assign(new Error(`nobody may ask for ${hostname}`), { code: "ENOTFOUND" });
};

const receivers: Receiver[] = [];
async function start(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...args);
  receivers.push(receiver);
  return receiver;
}
afterEach(() => Promise.all(receivers.splice(0).map((receiver) => receiver.stop())));

beforeAll(() => tls.setDefaultCACertificates([LOCALHOST_CERTIFICATE.cert]));

const call = (url: string) => ({ url, headers: { "X-Test": "1" }, body: '{"a":"ü"}' });
const post = (options: Partial<Parameters<typeof createGuardedPost>[0]> = {}) =>
  createGuardedPost({ resolveName: noNames, allowLoopback: true, timeoutMs: 300, ...options });

test("a 2xx is a success, and the receiver gets headers and body as they were given", async () => {
  const receiver = await start({ behaviour: answer(202) });
  expect(await post()(call(receiver.url))).toEqual({
    status: 202,
    durationMs: expect.any(Number),
    error: null,
  });
  const [received] = receiver.calls;
  expect(received).toMatchObject({ body: '{"a":"ü"}', path: "/hook" });
  expect(received!.headers).toMatchObject({ "x-test": "1", "content-length": "10" });
});

test("HA-10 over HTTPS the certificate must be the name's, and trusted", async () => {
  const receiver = await start({ tls: true });
  const resolveName: ResolveName = async () => ["127.0.0.1"];
  const named = (name: string) => post({ resolveName })(call(`https://${name}:${receiver.port}/hook`));
  expect(await named("receiver.example")).toMatchObject({ status: 204, error: null });
  expect(await named("another.example")).toMatchObject({
    status: null,
    error: "the connection failed (ERR_TLS_CERT_ALTNAME_INVALID)",
  });
  expect(receiver.calls).toHaveLength(1);
});

test.each([
  [301, "answered 301; redirects are not followed"],
  [302, "answered 302; redirects are not followed"],
  [307, "answered 307; redirects are not followed"],
  [308, "answered 308; redirects are not followed"],
])("HA-10 a redirect (%i) is a failure and is not followed", async (status, error) => {
  const elsewhere = await start();
  const receiver = await start({ behaviour: answer(status, { Location: elsewhere.url }) });
  expect(await post()(call(receiver.url))).toMatchObject({ status, error });
  expect(elsewhere.connections()).toBe(0);
});

const drip: Behaviour = (response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write("."), 20);
  response.on("close", () => clearInterval(timer));
};
const dripHeaders: Behaviour = (_response, _call, socket) => {
  socket.write("HTTP/1.1 200 OK\r\n");
  const timer = setInterval(() => socket.write("X-Slow: 1\r\n"), 20);
  socket.on("close", () => clearInterval(timer));
};

test.each([
  ["hangs", hang],
  ["drips its body", drip],
  ["drips its headers", dripHeaders],
])("HA-10 a receiver that %s has the whole time limit, and no more", async (_what, behaviour) => {
  const receiver = await start({ behaviour });
  const outcome = await post()(call(receiver.url));
  expect(outcome).toMatchObject({ status: null, error: "no whole answer within 300 ms" });
  expect(outcome.durationMs).toBeGreaterThanOrEqual(290);
  expect(receiver.calls).toHaveLength(1);
});

test("HA-10 a receiver that takes a connection and never speaks TLS has the time limit", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  expect(await post()(call(`https://127.0.0.1:${port}/`))).toMatchObject({
    error: "no whole answer within 300 ms",
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("HA-10 a name whose servers never answer has the time limit", async () => {
  const resolveName: ResolveName = () => new Promise(() => {});
  expect(await post({ resolveName })(call("https://slow.example/"))).toMatchObject({
    error: "no whole answer within 300 ms",
  });
});

test("HA-10 of a gigabyte 64 KB are read, then the connection is cut; the status counts", async () => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const flood: Behaviour = (response, _call, socket) => {
    socket.on("close", () => closed.resolve());
    response.writeHead(200, { "Content-Length": 1_073_741_824 });
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (sent < 1_073_741_824 && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on("drain", more);
    response.on("error", () => {});
    more();
  };
  const receiver = await start({ behaviour: flood });
  const outcome = await post({ timeoutMs: 10_000 })(call(receiver.url));
  expect(outcome).toMatchObject({ status: 200, error: null });
  await closed.promise;
  // What the two sockets' buffers took, and not the rest.
  expect(sent).toBeLessThan(32 * 1_048_576);
});

test("HA-10 headers beyond all measure are a failure", async () => {
  const receiver = await start({ behaviour: answer(200, { "X-Big": "a".repeat(100_000) }) });
  expect(await post()(call(receiver.url))).toMatchObject({
    status: null,
    error: "the connection failed (HPE_HEADER_OVERFLOW)",
  });
});

const breaks: [string, Behaviour, string][] = [
  ["resets", (_response, _call, socket) => socket.resetAndDestroy(), "the connection was reset"],
  ["hangs up", (_response, _call, socket) => socket.end(), "the connection was reset"],
  [
    "breaks off within its body",
    (response, _call, socket) => {
      response.writeHead(200, { "Content-Length": 1_000 });
      response.write("beginning", () => socket.destroy());
    },
    "the connection ended within the answer",
  ],
  [
    "does not speak HTTP",
    (_response, _call, socket) => socket.end("220 smtp.example ESMTP\r\n"),
    "the connection failed (HPE_INVALID_CONSTANT)",
  ],
];
test.each(breaks)("a receiver that %s is a failure", async (_what, behaviour, error) => {
  const receiver = await start({ behaviour });
  expect(await post()(call(receiver.url))).toMatchObject({ status: null, error });
});

test("a port where nobody listens is a failure, in words", async () => {
  const receiver = await startReceiver();
  await receiver.stop();
  expect(await post()(call(receiver.url))).toMatchObject({ error: "the connection was refused" });
});

test("HA-10 an address that is not public is refused at each call, after the name is resolved, without a connection", async () => {
  const receiver = await start({ tls: true });
  const addresses = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "::1",
    "::ffff:127.0.0.1",
    "fd00::1",
    "64:ff9b::a00:1",
  ];
  const guarded = (addressesOfName: string[]) =>
    post({ allowLoopback: false, resolveName: async () => addressesOfName })(
      call(`https://receiver.example:${receiver.port}/hook`),
    );
  for (const address of addresses)
    for (const answers of [[address], ["93.184.215.14", address]])
      expect(await guarded(answers), address).toMatchObject({
        status: null,
        error: "the name leads to an address that is not public",
      });
  expect(await post({ allowLoopback: false })(call(receiver.url))).toMatchObject({
    error: "the URL must not point at a loopback, private, link-local or otherwise special address",
  });
  expect(receiver.connections()).toBe(0);
});

test("HA-10 WEBHOOK_ALLOW_LOOPBACK does not let a name lead to a private address", async () => {
  expect(await post({ resolveName: async () => ["192.168.0.1"] })(call("https://a.example/"))).toMatchObject({
    error: "the name leads to an address that is not public",
  });
});

test("HA-10 the connection goes to the address that was checked, when the name leads elsewhere a moment later", async () => {
  const checked = await start({ tls: true });
  const other = await start({ tls: true, host: "127.0.0.2", port: checked.port });
  let asked = 0;
  const rebinding: ResolveName = async () => (asked++ === 0 ? ["127.0.0.1"] : ["127.0.0.2"]);
  const outcome = await post({ resolveName: rebinding })(
    call(`https://receiver.example:${checked.port}/hook`),
  );
  expect(outcome.error).toBe(null);
  expect(asked).toBe(1);
  expect(checked.calls).toHaveLength(1);
  expect(other.connections()).toBe(0);
});

test("HA-10 each call resolves the name anew: one that was public yesterday is refused today", async () => {
  const receiver = await start({ tls: true });
  let address = "127.0.0.1";
  const guarded = post({ resolveName: async () => [address] });
  const url = `https://receiver.example:${receiver.port}/hook`;
  expect(await guarded(call(url))).toMatchObject({ status: 204 });
  address = "10.1.2.3";
  expect(await guarded(call(url))).toMatchObject({ status: null });
  expect(receiver.calls).toHaveLength(1);
});
