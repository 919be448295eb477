import type { TestApi } from "./api.ts";
import { call, createTenantKey } from "./client.ts";
import { callSigned, SELFIE, upload } from "./gate.ts";

export type GateTenant = Awaited<ReturnType<typeof createTenantKey>>;

/** A tenant with an active version of the gate's document. */
export async function createGateTenant(
  api: Pick<TestApi, "apiUrl" | "adminKey">,
  key: object = {},
): Promise<GateTenant> {
  const made = await createTenantKey(api, { scopes: ["submit", "query", "manage"], hmac: true, ...key });
  const manage = (path: string, body: object) => call(api.apiUrl, "POST", path, { key: made.key, body });
  await manage("/v1/documents", { slug: "consent", title: "Consent" });
  const version = { version: "2026-01-15", language: "en", text: "We look at your face.\n", activate: true };
  await manage("/v1/documents/consent/versions", version);
  return made;
}

/** A verification whose consent was accepted. @returns its id. */
export async function openVerification(
  apiUrl: string,
  tenant: GateTenant,
  body: object = {},
): Promise<string> {
  const ask = (method: string, path: string, sent?: unknown) =>
    callSigned(apiUrl, method, path, { ...tenant, body: sent });
  const { data } = (await ask("POST", "/v1/verifications", body)).body;
  const { id, text_sha256 } = (await ask("GET", "/v1/consent")).body.data;
  await ask("POST", `/v1/verifications/${data.id}/consent`, { consent_version_id: id, text_sha256 });
  return data.id;
}

/** The same with a selfie, submitted, by another key of the tenant if one is given. */
export async function submitVerification(
  apiUrl: string,
  tenant: GateTenant,
  body: object = {},
  submitter = tenant,
): Promise<string> {
  const id = await openVerification(apiUrl, tenant, body);
  await upload(apiUrl, `/v1/verifications/${id}/media`, SELFIE, tenant);
  const answer = await callSigned(apiUrl, "POST", `/v1/verifications/${id}/submit`, submitter);
  if (answer.status !== 200) throw new Error(`not submitted: ${JSON.stringify(answer.body)}`);
  return id;
}
