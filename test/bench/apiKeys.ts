import type { Stack } from "./stack.ts";

export type Tenant = { id: string; keys: readonly string[] };

/** A new tenant with `keyCount` keys, each with the highest rate limit there is, through the API as an operator would. */
export async function createTenant(
  stack: Stack,
  keyCount: number,
  scopes: string[] = ["submit", "query"],
): Promise<Tenant> {
  const { id } = (await postAsAdmin(stack, "/admin/tenants", { name: "Benchmark" })) as { id: string };
  const keys: string[] = [];
  for (let i = 0; i < keyCount; i++) {
    const wanted = {
      tenantId: id,
      name: `key ${i}`,
      scopes,
      rateLimitPerMinute: 10_000,
    };
    keys.push(((await postAsAdmin(stack, "/admin/api-keys", wanted)) as { key: string }).key);
  }
  return { id, keys };
}

/** `count` keys, each of a tenant of its own. */
export async function createKeys(stack: Stack, count: number): Promise<string[]> {
  const tenants: Tenant[] = [];
  for (let i = 0; i < count; i++) tenants.push(await createTenant(stack, 1));
  return tenants.flatMap((tenant) => tenant.keys);
}

async function postAsAdmin(stack: Stack, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(new URL(path, stack.apiUrl), {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": stack.adminKey },
    body: JSON.stringify(body),
  });
  if (response.status !== 201)
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
