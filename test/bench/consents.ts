import { randomInt } from "node:crypto";
import { createDatabase } from "#test/support/postgres.ts";
import { startProcess } from "#test/support/process.ts";
import { createKeys } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import type { LoadRequest } from "./load.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const connections = 64;
const consentsPerCall = 100;
const seconds = 3;
const rounds = 5;
const requestsMax = 100_000; // a round: more than can be stored in the time
const callsMax = 3_000;

/**
 * Consent writes against hashes and against `@c15t/backend` on the same PostgreSQL in the same run, and batches of them against single ones.
 * Every consent has a visitor of its own.
 */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(
    startStack,
    async (stack) => {
      // It looks at all tables of its database, and knows some types only.
      const DATABASE_URL = await createDatabase({ url: stack.databaseUrl });
      const c15t = startProcess("test/bench/c15tApi.ts", { env: { DATABASE_URL } });
      try {
        const [, c15tUrl] = await c15t.waitForLine(/^listening (\S+)/);
        return await measure(stack, c15tUrl!);
      } finally {
        await c15t.stop();
      }
    },
    { pipeline: false },
  );
}

async function measure(stack: Stack, c15tUrl: string): Promise<Row[]> {
  const keys = await createKeys(stack, connections);
  let visitors = 0;
  const consent = () => ({
    consent_type: "cookie_consent",
    decision: "custom",
    visitor_id: `visitor-${visitors++}`,
    visitor_region: "de",
    compliance_framework: "gdpr",
    ip_address: "203.0.113.77",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    metadata: { categories: { necessary: true, analytics: false }, order_id: "ORD-54321" },
  });
  const rate = async (path: string, expectStatus: number, distinct: number, body: () => object) => {
    const request = (i: number): LoadRequest => ({
      method: "POST",
      path,
      headers: { "x-api-key": keys[i % connections]! },
      body: JSON.stringify(body()),
    });
    const target = { url: stack.apiUrl, seconds, connections, distinct, expectStatus, request };
    return (await loadWithoutErrors(target)).requestsPerSecond;
  };
  const c15tRate = async () => {
    const request = (): LoadRequest => ({
      method: "POST",
      path: "/subjects",
      body: JSON.stringify({
        type: "cookie_banner",
        subjectId: c15tSubject(),
        domain: "example.com",
        preferences: { necessary: true, analytics: false },
        givenAt: Date.now(),
      }),
    });
    const target = {
      url: c15tUrl,
      seconds,
      connections,
      distinct: callsMax * 10,
      expectStatus: 200,
      request,
    };
    return (await loadWithoutErrors(target)).requestsPerSecond;
  };
  const { hashes, single, batch, c15t } = await interleave(rounds, {
    hashes: () => rate("/v1/hashes", 202, requestsMax, () => ({ hash: randomHash() })),
    single: () => rate("/tool/v1/consents", 201, requestsMax, consent),
    c15t: c15tRate,
    batch: async () => {
      const consents = () => ({ consents: Array.from({ length: consentsPerCall }, consent) });
      return (await rate("/tool/v1/consents/batch", 201, callsMax, consents)) * consentsPerCall;
    },
  });
  const perSecond = (value: number, what: string) => `${Math.round(value).toLocaleString("en")} ${what}/s`;
  return [
    {
      name: "POST /tool/v1/consents, against POST /v1/hashes",
      measured: perSecond(single, "requests"),
      baseline: perSecond(hashes, "requests"),
      ratio: single / hashes,
      promise: "≥ 0.5",
    },
    {
      name: "POST /tool/v1/consents, against POST /subjects of @c15t/backend",
      measured: perSecond(single, "requests"),
      baseline: perSecond(c15t, "requests"),
      ratio: single / c15t,
      promise: "≥ 15",
    },
    {
      name: "POST /tool/v1/consents/batch of 100, against single ones",
      measured: perSecond(batch, "consents"),
      baseline: perSecond(single, "consents"),
      ratio: batch / single,
      promise: "≥ 3",
    },
  ];
}

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const c15tSubject = () =>
  `sub_${Array.from({ length: 22 }, () => BASE58[randomInt(BASE58.length)]).join("")}`;
