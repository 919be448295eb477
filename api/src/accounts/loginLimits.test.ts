import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call } from "#test/support/client.ts";
import { until } from "#test/support/until.ts";
import { isPassword } from "./password.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    AUTH_RATE_LIMIT: "30",
    SIGN_UP_RATE_LIMIT: "3",
    LOGIN_RATE_LIMIT: "4",
    LOGIN_STRANGERS_RATE_LIMIT: "12",
  });
});
afterAll(() => api.stop());

const PASSWORD = "correct horse battery";
let addresses = 0;
/** Limits count by address: each test comes from its own. */
const newAddress = () => `198.18.${++addresses >> 8}.${addresses & 255}`;
let people = 0;
const newPerson = () => ({ name: "Acme Corp", email: `dev${++people}@acme.example`, password: PASSWORD });
const inOneWindow = () => until(() => new Date().getUTCSeconds() < 40, { deadlineMs: 25_000 });

const post = (path: string, body: unknown, from = newAddress()) =>
  call(api.apiUrl, "POST", path, { body, headers: { "X-Forwarded-For": from } });
const logIn = (email: string, password: string, from?: string) =>
  post("/auth/login", { email, password }, from);

async function registered(from = newAddress()) {
  const person = newPerson();
  expect((await post("/auth/register", person, from)).status).toBe(201);
  return { ...person, home: from };
}

async function statusesOf(count: number, send: (index: number) => Promise<{ status: number }>) {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++) statuses.push((await send(index)).status);
  return statuses;
}

describe("HA-1 logins are limited", () => {
  test("per account and address: guesses from one address do not keep the owner out, nor others' accounts", async () => {
    const owner = await registered();
    const other = await registered();
    const attacker = newAddress();
    await inOneWindow();
    expect(await statusesOf(6, (index) => logIn(owner.email, `guess ${index}`, attacker))).toEqual([
      ...Array(4).fill(401),
      429,
      429,
    ]);
    expect((await logIn(owner.email, PASSWORD, attacker)).status).toBe(429);
    expect((await logIn(owner.email, PASSWORD, owner.home)).status).toBe(200);
    expect((await logIn(owner.email, PASSWORD, newAddress())).status).toBe(200);
    expect((await logIn(other.email, "guess", attacker)).status).toBe(401);
  });

  test("per account over all addresses, except for those that have logged in to it before", async () => {
    const owner = await registered();
    const office = newAddress();
    expect((await logIn(owner.email, PASSWORD, office)).status).toBe(200);
    await inOneWindow();
    const guesses = await statusesOf(20, (index) => logIn(owner.email, `guess ${index}`));
    expect(guesses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(7);
    const refused = await logIn(owner.email, PASSWORD);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    for (const known of [owner.home, office])
      expect((await logIn(owner.email, PASSWORD, known)).status).toBe(200);
    // An IPv6 host changes its address within its network.
    const elsewhere = await registered("2001:db8:5:5::1");
    await inOneWindow();
    await statusesOf(16, (index) => logIn(elsewhere.email, `guess ${index}`));
    expect((await logIn(elsewhere.email, PASSWORD, "2001:db8:5:5::ffff")).status).toBe(200);
    expect((await logIn(elsewhere.email, PASSWORD, "2001:db8:5:6::1")).status).toBe(429);
  });

  test("alike for an e-mail address that nobody has", async () => {
    const owner = await registered();
    await inOneWindow();
    const sequence = async (email: string) => {
      const from = newAddress();
      return [
        ...(await statusesOf(6, () => logIn(email, "guess", from))),
        ...(await statusesOf(14, () => logIn(email, "guess"))),
      ];
    };
    const known = await sequence(owner.email);
    expect(await sequence("nobody-at-all@acme.example")).toEqual(known);
    expect(new Set(known)).toEqual(new Set([401, 429]));
  });

  test("an address is a stranger's again when nobody has logged in from it for 90 days", async () => {
    const owner = await registered();
    await api.db.pool.query(
      "UPDATE app.login_networks SET last_login_at = now() - interval '91 days' WHERE network = $1",
      [owner.home],
    );
    await inOneWindow();
    await statusesOf(13, (index) => logIn(owner.email, `guess ${index}`));
    expect((await logIn(owner.email, PASSWORD, owner.home)).status).toBe(429);
    await api.db.pool.query(
      "UPDATE app.rate_limit_windows SET window_start = window_start - interval '60 seconds' WHERE subject LIKE 'login-strangers:%'",
    );
    const moved = newAddress();
    expect((await logIn(owner.email, PASSWORD, moved)).status).toBe(200);
    const { rows } = await api.db.pool.query(
      "SELECT network FROM app.login_networks JOIN app.accounts a ON a.id = account_id WHERE a.email = $1",
      [owner.email],
    );
    expect(rows).toEqual([{ network: moved }]);
  });

  test("per address, whomever they are about", async () => {
    const from = newAddress();
    await inOneWindow();
    const answers = await Promise.all(
      Array.from({ length: 31 }, (_, index) => logIn(`${index}@acme.example`, "guess", from)),
    );
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
  });
});

describe("HA-1 sign-ups are limited", () => {
  test("per address and hour, registering and provisioning together", async () => {
    const from = newAddress();
    await inOneWindow();
    expect((await post("/auth/register", newPerson(), from)).status).toBe(201);
    for (const _ of [1, 2]) expect((await post("/auth/provision", { name: "Agent" }, from)).status).toBe(201);
    for (const [path, body] of [
      ["/auth/provision", { name: "Agent" }],
      ["/auth/register", newPerson()],
    ] as const) {
      const refused = await post(path, body, from);
      expect(refused).toMatchObject({ status: 429, body: { error: "Rate limit exceeded" } });
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const left = 3_600 - (nowSeconds % 3_600);
      expect(Math.abs(Number(refused.headers.get("Retry-After")) - left)).toBeLessThan(5);
    }
    expect((await post("/auth/provision", { name: "Agent" })).status).toBe(201);
  });
});

describe("HA-1 a process that has enough passwords to check", () => {
  test("says so, and that it is worth trying again; the others are answered", async () => {
    const busy = await api.startApi({ AUTH_RATE_LIMIT: "100000" });
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        call(busy.url, "POST", "/auth/login", {
          body: { email: `${index}@busy.example`, password: "guess" },
        }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.body).toEqual({ error: "Too many logins at once; try again" });
    expect(refused[0]!.headers.get("Retry-After")).toBe("1");
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(42);
    expect(refused.length + answers.filter(({ status }) => status === 401).length).toBe(300);
    const later = { email: "later@busy.example", password: "guess" };
    expect((await call(busy.url, "POST", "/auth/login", { body: later })).status).toBe(401);
    await busy.process.stop();
  });
});

describe("HA-1 a login to an address that nobody has", () => {
  test("derives a key like any other", async () => {
    await registered();
    const stored = (await api.db.pool.query("SELECT password_hash FROM app.accounts LIMIT 1")).rows[0]
      .password_hash;
    const cost = async (phc: string | null) => {
      const before = process.cpuUsage();
      for (let i = 0; i < 5; i++) expect(await isPassword("wrong password", phc)).toBe(false);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const known = await cost(stored);
    // Without the derivation it would be a thousandth.
    expect(await cost(null)).toBeGreaterThan(known / 10);
  });

  test("takes about as long as a wrong password, by the medians of logins in turn", async () => {
    const owner = await registered();
    const free = await api.startApi({
      AUTH_RATE_LIMIT: "100000",
      LOGIN_RATE_LIMIT: "100000",
      LOGIN_STRANGERS_RATE_LIMIT: "100000",
    });
    const timeOf = async (email: string) => {
      const startedAt = performance.now();
      const { status } = await call(free.url, "POST", "/auth/login", {
        body: { email, password: "wrong password" },
      });
      expect(status).toBe(401);
      return performance.now() - startedAt;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 25; i++) {
      known.push(await timeOf(owner.email));
      unknown.push(await timeOf(`nobody${i}@acme.example`));
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[12]!;
    const ratio = median(unknown) / median(known);
    // An answer without a derivation would come in a tenth of the time.
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
    await free.process.stop();
  });
});
