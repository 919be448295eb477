import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { startProcess } from "#test/support/process.ts";
import { listServiceKeys, retireServiceKey } from "./retireServiceKey.ts";
import { createSecretBox } from "./secretBox.ts";
import { createServiceKeys, SERVICE_KEY_STALE_MS, type ServiceKeysOptions } from "./serviceKeys.ts";

let api: TestApi;
let nowMs = Date.parse("2026-11-22T05:00:00.000Z");
let made = 0;
const secretBox = createSecretBox([randomBytes(32).toString("hex")]);

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const newKeys = (changes: Partial<ServiceKeysOptions> = {}) =>
  createServiceKeys({
    db: api.db,
    secretBox,
    purpose: "consent_proof",
    make: async () => {
      made++;
      return { key: randomBytes(32) };
    },
    signsForMs: 86_400_000,
    clock: () => new Date(nowMs),
    ...changes,
  });

describe("keys of the service itself", () => {
  test("SG-9 the key set holds the RSA key before the first JWT receipt is made", async () => {
    const { keys } = await (await fetch(`${api.apiUrl}/.well-known/jwks.json`)).json();
    expect(keys).toMatchObject([{ kty: "RSA", alg: "RS256", use: "sig", exp: expect.any(Number) }]);
  });

  test("many that need one at once, in several processes, make one", async () => {
    const processes = [newKeys(), newKeys(), newKeys()];
    const keys = await Promise.all(
      processes.flatMap((process) => Array.from({ length: 10 }, () => process.current())),
    );
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    expect(made).toBe(1);
  });

  test("a making that fails is tried again by the next", async () => {
    let fails = true;
    const keys = newKeys({
      purpose: "access_token",
      make: async () => {
        if (fails) throw new Error("no entropy");
        return { key: randomBytes(32) };
      },
    });
    await expect(Promise.all([keys.current(), keys.current()])).rejects.toThrow("no entropy");
    fails = false;
    expect(await keys.current()).toMatchObject({ kid: expect.any(String) });
  });

  test("a retired key signs until no process takes it for the current one, and is found for ever", async () => {
    const [one, other] = [newKeys(), newKeys()];
    const { kid } = await one.current();
    const until = await retireServiceKey(api.db, kid, new Date(nowMs));
    expect(until?.getTime()).toBe(nowMs + SERVICE_KEY_STALE_MS);
    expect((await other.current()).kid).toBe(kid);
    nowMs += SERVICE_KEY_STALE_MS;
    const next = await one.current();
    expect(next.kid).not.toBe(kid);
    expect((await other.current()).kid).toBe(next.kid);
    expect(await newKeys().find(kid)).toMatchObject({ kid, signsUntil: until });
    expect(await retireServiceKey(api.db, kid, new Date(nowMs))).toEqual(until);
  });

  test("npm run service-keys lists them, retires one, and says when there is none", async () => {
    const { kid } = await newKeys().current();
    const run = async (...args: string[]) => {
      const command = startProcess("scripts/serviceKeys.ts", {
        args,
        env: { DATABASE_URL: api.databaseUrl },
      });
      const { code } = await command.exited;
      return { code, output: command.output() };
    };
    expect(await run()).toEqual({
      code: 0,
      output: expect.stringMatching(new RegExp(`^${kid}  consent_proof  .*signs until 20`, "m")),
    });
    expect(await run("--retire", kid)).toMatchObject({ code: 0 });
    const listed = (await listServiceKeys(api.db)).find((key) => key.kid === kid);
    expect(listed!.signsUntil.getTime()).toBeLessThan(Date.now() + SERVICE_KEY_STALE_MS + 60_000);
    expect(await run("--retire", "0".repeat(16))).toMatchObject({
      code: 1,
      output: expect.stringContaining("npm run service-keys lists them"),
    });
    expect((await run("--no-such")).code).toBe(2);
  });
});
