import { randomBytes } from "node:crypto";
import type { TestStack } from "./stack.ts";

/** A request with a JSON body to the API, answered with whatever it says; nothing is thrown for a bad status. */
export async function call(
  origin: string,
  method: string,
  path: string,
  options: { key?: string; body?: unknown; raw?: string; headers?: Record<string, string> } = {},
  // biome-ignore lint/suspicious/noExplicitAny: what a service answers is what the test is about
): Promise<{ status: number; headers: Headers; body: any }> {
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(origin + path, {
    method,
    headers: {
      ...(options.key ? { "X-API-Key": options.key } : {}),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get("Content-Type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text || null,
  };
}

/** A new tenant with one key; `hmacSecret` is one with `hmac: true` alone. */
export async function createTenantKey(
  stack: Pick<TestStack, "apiUrl" | "adminKey">,
  key: {
    scopes?: string[];
    rateLimitPerMinute?: number;
    site?: string;
    requireSigning?: boolean;
    requireTimestamp?: boolean;
    hmac?: boolean;
  } = {},
): Promise<{ tenantId: string; key: string; keyId: string; hmacSecret: string }> {
  const tenant = await call(stack.apiUrl, "POST", "/admin/tenants", {
    key: stack.adminKey,
    body: { name: "Tenant" },
  });
  const created = await call(stack.apiUrl, "POST", "/admin/api-keys", {
    key: stack.adminKey,
    body: {
      tenantId: tenant.body.id,
      name: "key",
      scopes: ["submit", "query"],
      rateLimitPerMinute: 10_000,
      ...key,
    },
  });
  return {
    tenantId: tenant.body.id,
    key: created.body.key,
    keyId: created.body.id,
    hmacSecret: created.body.hmacSecret,
  };
}

export function randomHash(): `0x${string}` {
  return `0x${randomBytes(32).toString("hex")}`;
}
