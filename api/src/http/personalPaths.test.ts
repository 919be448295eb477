import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { CallRecord } from "../audit/recordCalls.ts";
import { createMetrics } from "../operations/metrics.ts";
import { auditCall } from "./auditCall.ts";
import type { AppEnv } from "./context.ts";
import { mountRoutes } from "./mountRoutes.ts";
import { PathRouter } from "./pathRouter.ts";
import { requestLog } from "./requestLog.ts";
import { defineRoute } from "./route.ts";

/** What the log and the audit rows say after a call of a route with this resource type, or of what has none. */
async function traces(
  resourceType: string,
  path: string,
  { method = "DELETE", calls = 1 } = {},
): Promise<string> {
  const lines: string[] = [];
  const rows: CallRecord[] = [];
  const app = new Hono<AppEnv>({ router: new PathRouter() });
  app.use(requestLog(pino({}, { write: (line) => lines.push(line) }), () => "127.0.0.1", createMetrics()));
  const pass = () => createMiddleware<AppEnv>((_, next) => next());
  const authenticate = createMiddleware<AppEnv>(async (c, next) => {
    c.set("authenticated", { tenantId: "t", apiKeyId: null });
    await next();
  });
  const route = defineRoute({
    method: "delete",
    path: "/things/:name",
    summary: "",
    access: { scope: "manage", action: "thing.delete", resourceType },
    answers: {},
    handle: (c) => c.body(null, 404),
  });
  const record = async (row: CallRecord) => void rows.push(row);
  mountRoutes(app, [route], {
    limitPerAddress: pass(),
    auditCall: auditCall(record, () => new Date()),
    requireKey: () => authenticate,
    checkSignature: pass(),
    checkHmac: pass,
  });
  const env = { incoming: { socket: {} }, outgoing: { setHeader: () => {} } };
  await app.request(path, { method }, env as never);
  expect([lines.length, rows.length]).toEqual([1, calls]);
  return lines.join() + JSON.stringify(rows);
}

test("protocol §7: where a path names a person, neither the log nor the audit row keeps the name", async () => {
  expect(await traces("person", "/things/alice")).not.toContain("alice");
  expect(await traces("thing", "/things/alice")).toContain("alice");
});

test.each([
  ["another method", "PUT", "/things/alice"],
  ["a preflight", "OPTIONS", "/things/alice"],
  ["a slash too many", "DELETE", "/things/alice/"],
  ["a segment too many", "DELETE", "/things/alice/more"],
  ["a line break", "DELETE", "/things/%0aalice/more\n"],
  ["another path", "DELETE", "/other/alice"],
  ["one segment", "GET", "/alice"],
  ["slashes in escapes", "DELETE", "/things%2Falice"],
])("protocol §7: of a path without a route the log keeps no name: %s", async (_what, method, path) => {
  const kept = await traces("person", path, { method, calls: 0 });
  expect(kept).not.toContain("alice");
  expect(kept).toContain('"path":"/*"');
});
