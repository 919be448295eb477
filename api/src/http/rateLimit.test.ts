import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#scripts/stack/freePort.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { type StartedProcess, startCommand } from "#test/support/process.ts";
import { until } from "#test/support/until.ts";
import { type Counter, type CountRequest, createRateLimit, forgetOldWindows } from "./rateLimit.ts";

const REDIS_SERVER = "/usr/bin/redis-server";
/** Nobody forgets to install Redis where all tests must run; elsewhere its tests are left out, and say so. */
const hasRedis = existsSync(REDIS_SERVER) || process.env.CI === "true";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const probe = (key: string, origin = api.apiUrl) =>
  call(origin, "GET", `/v1/hashes/${randomHash()}`, { key });

/** Windows begin with the minute: what counts to a limit must not begin at the end of one. */
const inOneWindow = () => until(() => new Date().getUTCSeconds() < 45, { deadlineMs: 20_000 });

async function statuses(count: number, send: (index: number) => Promise<{ status: number }>) {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => send(index)));
  return Object.groupBy(
    answers.map(({ status }) => status),
    String,
  );
}

async function windowOf(subject: string) {
  const { rows } = await api.db.pool.query("SELECT * FROM app.rate_limit_windows WHERE subject = $1", [
    subject,
  ]);
  return rows[0];
}

describe("HA-13 the limit of a key", () => {
  test("stands on every authenticated answer, whatever its status", async () => {
    await inOneWindow();
    const { key } = await createTenantKey(api, { scopes: ["submit"], rateLimitPerMinute: 5 });
    const hash = randomHash();
    const answers = [
      await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } }),
      await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } }),
      await call(api.apiUrl, "POST", "/v1/hashes", { key, body: {} }),
      await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key }),
      await call(api.apiUrl, "POST", "/v1/hashes", { key, raw: "x".repeat(1_048_577) }),
      await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } }),
      await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } }),
    ];
    expect(
      answers.map(({ status, headers }) => [
        status,
        headers.get("X-RateLimit-Limit"),
        headers.get("X-RateLimit-Remaining"),
      ]),
    ).toEqual([
      [202, "5", "4"],
      [200, "5", "3"],
      [400, "5", "2"],
      [403, "5", "1"],
      [413, "5", "0"],
      [429, "5", "0"],
      [429, "5", "0"],
    ]);
  });

  test("answers a 429 with the seconds left, and with both error and message", async () => {
    await inOneWindow();
    const { key } = await createTenantKey(api, { rateLimitPerMinute: 1 });
    await probe(key);
    const answer = await probe(key);
    expect(answer.status).toBe(429);
    expect(answer.body).toEqual({ error: "Rate limit exceeded", message: "Rate limit exceeded" });
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
    const left = 60 - new Date().getUTCSeconds();
    expect(Math.abs(Number(answer.headers.get("Retry-After")) - left)).toBeLessThanOrEqual(2);
  });

  test("is each key's own, and one for all processes, exact under concurrency", async () => {
    const second = await api.startApi();
    const { key } = await createTenantKey(api, { rateLimitPerMinute: 20 });
    const other = await createTenantKey(api, { rateLimitPerMinute: 20 });
    await inOneWindow();
    const counted = await statuses(60, (index) => probe(key, index % 2 === 0 ? api.apiUrl : second.url));
    expect(counted["404"]).toHaveLength(20);
    expect(counted["429"]).toHaveLength(40);
    expect((await probe(other.key)).headers.get("X-RateLimit-Remaining")).toBe("19");
    await second.process.stop();
  });

  test("is exact in one process also where part of it is let through before the count is shared", async () => {
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 500 });
    await inOneWindow();
    const counted: Record<number, number> = {};
    const ask = async () => {
      for (let i = 0; i < 50; i++) {
        const { status } = await probe(key);
        counted[status] = (counted[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 16 }, ask));
    expect(counted).toEqual({ 404: 500, 429: 300 });
    expect((await windowOf(`key:${keyId}`)).requests).toBe(800);
  });

  test("lets further processes go over it by 1 % at most, and every request is counted", async () => {
    const second = await api.startApi();
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 500 });
    await inOneWindow();
    let letThrough = 0;
    const ask = async (origin: string) => {
      for (let i = 0; i < 50; i++) if ((await probe(key, origin)).status === 404) letThrough++;
    };
    await Promise.all(
      Array.from({ length: 16 }, (_, index) => ask(index % 2 === 0 ? api.apiUrl : second.url)),
    );
    expect(letThrough).toBeGreaterThanOrEqual(500);
    expect(letThrough).toBeLessThanOrEqual(505);
    await until(async () => (await windowOf(`key:${keyId}`)).requests === 800);
    await second.process.stop();
  });

  test("is full again in the next window", async () => {
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 1 });
    await inOneWindow();
    await probe(key);
    expect((await probe(key)).status).toBe(429);
    await api.db.pool.query(
      "UPDATE app.rate_limit_windows SET window_start = window_start - interval '60 seconds' WHERE subject = $1",
      [`key:${keyId}`],
    );
    expect((await probe(key)).status).toBe(404);
    expect((await probe(key)).status).toBe(429);
  });
});

describe("public routes are limited per IP address", () => {
  const routes = [
    `/v1/verify/${randomHash()}`,
    `/v1/receipts/${randomHash()}`,
    "/v1/public-key",
    "/.well-known/jwks.json",
    "/receipt/v1",
  ];

  test("each address by itself, all public routes together", async () => {
    const limited = await api.startApi({ PUBLIC_RATE_LIMIT: String(routes.length) });
    const get = (path: string, address: string) =>
      call(limited.url, "GET", path, { headers: { "X-Forwarded-For": address } });
    await inOneWindow();
    for (const path of routes) expect((await get(path, "203.0.113.1")).status).not.toBe(429);
    for (const path of routes) {
      const refused = await get(path, "203.0.113.1");
      expect(refused.status).toBe(429);
      expect(refused.body).toEqual({ error: "Rate limit exceeded", message: "Rate limit exceeded" });
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
    expect((await get(routes[0]!, "203.0.113.2")).status).toBe(404);
    expect((await call(limited.url, "GET", "/health")).status).toBe(200);
    await limited.process.stop();
  });

  test("and the addresses of one IPv6 network together", async () => {
    const limited = await api.startApi({ PUBLIC_RATE_LIMIT: "3" });
    await inOneWindow();
    const counted = await statuses(6, (index) =>
      call(limited.url, "GET", routes[0]!, { headers: { "X-Forwarded-For": `[2001:db8:7:7::${index}]:80` } }),
    );
    expect(counted["404"]).toHaveLength(3);
    expect(counted["429"]).toHaveLength(3);
    await limited.process.stop();
  });

  test("and an address that only the client claims is not believed", async () => {
    const limited = await api.startApi({ PUBLIC_RATE_LIMIT: "3", TRUSTED_PROXIES: "10.0.0.1" });
    await inOneWindow();
    const counted = await statuses(6, (index) =>
      call(limited.url, "GET", routes[0]!, { headers: { "X-Forwarded-For": `203.0.113.${10 + index}` } }),
    );
    expect(counted["404"]).toHaveLength(3);
    expect(counted["429"]).toHaveLength(3);
    await limited.process.stop();
  });
});

describe("requests without a good key are limited per IP address", () => {
  test("by an allowance of their own, whatever they lack, and good keys from there are let in", async () => {
    const limited = await api.startApi({ PUBLIC_RATE_LIMIT: "5" });
    const { key, keyId } = await createTenantKey(api, { scopes: ["submit", "query"] });
    const revoked = await createTenantKey(api, { scopes: ["submit", "query"] });
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${revoked.keyId}`, { key: api.adminKey });
    const from = (address: string, headers: Record<string, string>, method = "GET", path = "/v1/batches") =>
      call(limited.url, method, path, {
        headers: { "X-Forwarded-For": address, ...headers },
        ...(method === "POST" ? { body: { hash: randomHash() } } : {}),
      });
    const bad = [
      {},
      { "X-API-Key": "ha_0" },
      { "X-API-Key": `ha_${"0".repeat(64)}` },
      { Authorization: "Bearer a.b.c" },
      { "X-API-Key": revoked.key },
    ] as Record<string, string>[];
    await inOneWindow();
    for (const [index, headers] of bad.entries())
      expect(
        (
          await from(
            "203.0.113.60",
            headers,
            index % 2 ? "POST" : "GET",
            index % 2 ? "/v1/hashes" : undefined,
          )
        ).status,
      ).toBe(401);
    for (const headers of bad) {
      const refused = await from("203.0.113.60", headers);
      expect(refused).toMatchObject({ status: 429, body: { message: "Rate limit exceeded" } });
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect((await from("203.0.113.60", headers, "POST", "/v1/hashes")).status).toBe(429);
    }
    expect((await from("203.0.113.60", { "X-API-Key": key })).status).toBe(200);
    expect((await from("203.0.113.60", { "X-API-Key": key }, "POST", "/v1/hashes")).status).toBe(202);
    expect((await from("203.0.113.61", {})).status).toBe(401);
    // A key that this process remembers and that is revoked since.
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keyId}`, { key: api.adminKey });
    expect((await from("203.0.113.60", { "X-API-Key": key }, "POST", "/v1/hashes")).status).toBe(429);
    expect((await from("203.0.113.61", { "X-API-Key": key }, "POST", "/v1/hashes")).status).toBe(401);
    await limited.process.stop();
  });
});

test("old windows are forgotten; current ones, and one that is being counted, stay", async () => {
  const insert = (subject: string, age: string) =>
    api.db.pool.query(
      "INSERT INTO app.rate_limit_windows SELECT $1, date_bin('60 seconds', now(), 'epoch') - $2::interval, 1",
      [subject, age],
    );
  await insert("test:old", "3 hours");
  await insert("test:held", "3 hours");
  await insert("test:of an hour", "59 minutes");
  await insert("test:current", "0 seconds");
  const holder = await api.db.pool.connect();
  await holder.query("BEGIN");
  await holder.query("UPDATE app.rate_limit_windows SET requests = 2 WHERE subject = 'test:held'");
  await forgetOldWindows(api.db);
  await holder.query("COMMIT");
  holder.release();
  expect(await windowOf("test:old")).toBeUndefined();
  expect(await windowOf("test:held")).toMatchObject({ requests: 2 });
  for (const current of ["test:current", "test:of an hour"])
    expect(await windowOf(current)).toMatchObject({ requests: 1 });
  await forgetOldWindows(api.db);
  expect(await windowOf("test:held")).toBeUndefined();
});

describe("HA-13 a shared counter that is slow, silent or about to begin a window anew", () => {
  const LIMIT = 1_000;

  /** A limit over a counter that answers when `release` is called, over a clock that stands. */
  function limitOver() {
    const clock = { ms: 1_000_000 };
    const shared = new Map<string, number>();
    let held: (() => void)[] = [];
    let fails = false;
    const counter: Counter = async (added) => {
      await new Promise<void>((resolve) => held.push(resolve));
      if (fails) throw new Error("away");
      return new Map(
        [...added].map(([subject, { requests }]) => {
          shared.set(subject, (shared.get(subject) ?? 0) + requests);
          return [
            subject,
            { requests: shared.get(subject)!, windowEndsInSeconds: 60 - ((clock.ms / 1_000) % 60) },
          ];
        }),
      );
    };
    const count = createRateLimit(counter, () => new Date(clock.ms));
    const release = async () => {
      for (let turn = 0; turn < 5; turn++) {
        for (const resolve of held) resolve();
        held = [];
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return {
      count,
      release,
      clock,
      isHeld: () => held.length > 0,
      fail: () => {
        fails = true;
      },
    };
  }

  /** How many of `requests` are answered without the counter and are within the limit. */
  async function letThrough(count: CountRequest, requests: number): Promise<number> {
    let within = 0;
    for (let i = 0; i < requests; i++)
      void count("key:1", LIMIT).then(
        ({ requests: place }) => {
          if (place <= LIMIT) within++;
        },
        () => {},
      );
    await new Promise((resolve) => setImmediate(resolve));
    return within;
  }

  async function begin() {
    const limit = limitOver();
    const first = limit.count("key:1", LIMIT);
    await new Promise((resolve) => setImmediate(resolve));
    await limit.release();
    await first;
    return limit;
  }

  test("lets at most 1 % through before it is answered, half of it on its way, and what was told stays counted", async () => {
    const { count, release, isHeld } = await begin();
    expect(await letThrough(count, 5)).toBe(5);
    await until(isHeld);
    expect(await letThrough(count, 5)).toBe(5);
    expect(await letThrough(count, 5)).toBe(0);
    await release();
    const { requests } = await Promise.all([count("key:1", LIMIT), release(), release()]).then(
      ([last]) => last,
    );
    expect(requests).toBe(17);
  });

  test("never makes room by failing: what was let through stays counted against the limit", async () => {
    const { count, release, isHeld, fail } = await begin();
    fail();
    let within = 0;
    for (let round = 0; round < 150; round++) {
      within += await letThrough(count, 10);
      if (isHeld()) await release();
      await until(isHeld, { deadlineMs: 50, intervalMs: 5 }).catch(() => {});
      await release();
    }
    expect(within).toBeLessThan(LIMIT);
  });
});

describe.runIf(hasRedis)(`HA-13 with Redis (${REDIS_SERVER})`, () => {
  let server: StartedProcess;
  let redis: Redis;
  let directory: string;
  let url: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "holdfast-redis-"));
    const port = await freePort(0);
    url = `redis://127.0.0.1:${port}`;
    server = startCommand(REDIS_SERVER, {
      args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory],
    });
    await server.waitForLine(/Ready to accept connections/);
    redis = new Redis(url);
    redis.on("error", () => {}); // the server is killed under it
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("Redis counts for all processes, and PostgreSQL does not", async () => {
    const settings = { REDIS_URL: url };
    const [first, second] = [await api.startApi(settings), await api.startApi(settings)];
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 20 });
    await inOneWindow();
    const counted = await statuses(50, (index) => probe(key, index % 2 === 0 ? first.url : second.url));
    expect(counted["404"]).toHaveLength(20);
    expect(counted["429"]).toHaveLength(30);
    const [name] = await redis.keys(`*key:${keyId}`);
    expect(await redis.get(name!)).toBe("50");
    expect(await redis.ttl(name!)).toBeGreaterThan(0);
    expect(await windowOf(`key:${keyId}`)).toBeUndefined();
    const refused = await probe(key, first.url);
    expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(60);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    await Promise.all([first.process.stop(), second.process.stop()]);
  });

  test("while Redis is away PostgreSQL counts: nobody is refused for it, and limits still hold", async () => {
    const behind = await api.startApi({ REDIS_URL: url });
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 5 });
    await inOneWindow();
    expect((await probe(key, behind.url)).headers.get("X-RateLimit-Remaining")).toBe("4");
    await server.kill9();
    const counted = await statuses(10, () => probe(key, behind.url));
    expect(counted["404"]).toHaveLength(5);
    expect(counted["429"]).toHaveLength(5);
    expect(await windowOf(`key:${keyId}`)).toMatchObject({ requests: 10 });
    await behind.process.stop();
  });

  test("a Redis that says nothing holds one request up, and not those after it", async () => {
    const port = await freePort(0);
    const silent = startCommand(REDIS_SERVER, {
      args: ["--port", String(port), "--bind", "127.0.0.1", "--save", ""],
    });
    await silent.waitForLine(/Ready to accept connections/);
    const behind = await api.startApi({ REDIS_URL: `redis://127.0.0.1:${port}` });
    const { key, keyId } = await createTenantKey(api, { rateLimitPerMinute: 50 });
    await inOneWindow();
    expect((await probe(key, behind.url)).status).toBe(404);
    process.kill(silent.pid, "SIGSTOP");
    for (let i = 0; i < 10; i++) expect((await probe(key, behind.url)).status).toBe(404);
    process.kill(silent.pid, "SIGCONT");
    // One command was sent to Redis and waited for; the rest was counted by PostgreSQL at once.
    expect(await windowOf(`key:${keyId}`)).toMatchObject({ requests: 10 });
    const lines = behind.process
      .output()
      .split("\n")
      .filter((line) => line.includes("Command timed out"));
    expect(lines.length).toBeLessThanOrEqual(1);
    await behind.process.stop();
    await silent.stop();
  });

  test("an API that starts without its Redis serves all the same", async () => {
    const behind = await api.startApi({ REDIS_URL: `redis://127.0.0.1:${await freePort(0)}` });
    const { key } = await createTenantKey(api);
    expect((await probe(key, behind.url)).status).toBe(404);
    await behind.process.stop();
  });
});

if (!hasRedis) test.skip(`HA-13 with Redis is NOT proved: ${REDIS_SERVER} is missing; install redis-server`);
