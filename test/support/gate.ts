import { createHash, createHmac } from "node:crypto";
import { call } from "./client.ts";
import type { Operation } from "./openapi.ts";

/** As a client of the source signs: written anew from its documentation, without the product's code. */
export const hmacOf = (secret: string, text: string | Buffer) =>
  createHmac("sha256", secret).update(text).digest("hex");

export type Credentials = {
  key?: string;
  hmacSecret?: string | undefined;
  headers?: Record<string, string>;
};

/** A JSON request whose query, if any, is sorted and encoded already. */
export function callSigned(
  origin: string,
  method: string,
  path: string,
  { key, hmacSecret = "", headers = {}, body }: Credentials & { body?: unknown },
) {
  const raw = body === undefined ? "" : JSON.stringify(body);
  const signature = hmacOf(hmacSecret, `${method}${path}${raw}`);
  return call(origin, method, path, {
    ...(key ? { key } : {}),
    headers: { "X-HMAC-Signature": signature, ...headers },
    ...(body === undefined ? {} : { raw }),
  });
}

export type UploadParts = {
  fields?: Record<string, string>;
  files?: { name: string; fileName?: string; bytes: Buffer }[];
};

/** A PNG of one pixel. */
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
export const SELFIE: UploadParts = { fields: { type: "selfie" }, files: [{ name: "file", bytes: PNG }] };

/** What is signed of an upload, after method and path. */
export function uploadText({ fields = {}, files = [] }: UploadParts): string {
  const pairs = Object.keys(fields)
    .sort()
    .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(fields[name]!)}`);
  const hashes = files.map(({ bytes }) => createHash("sha256").update(bytes).digest("hex")).sort();
  return `\n${pairs.join("&")}\n${hashes.join(",")}`;
}

export async function upload(
  origin: string,
  path: string,
  parts: UploadParts,
  { key = "", hmacSecret = "", headers = {} }: Credentials,
  // biome-ignore lint/suspicious/noExplicitAny: what a service answers is what the test is about
): Promise<{ status: number; headers: Headers; body: any }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts.fields ?? {})) form.append(name, value);
  for (const { name, fileName = "upload.bin", bytes } of parts.files ?? [])
    form.append(name, new Blob([new Uint8Array(bytes)]), fileName);
  const response = await fetch(origin + path, {
    method: "POST",
    headers: {
      ...(key === "" ? {} : { "X-API-Key": key }),
      "X-HMAC-Signature": hmacOf(hmacSecret, `POST${path}${uploadText(parts)}`),
      ...headers,
    },
    body: form,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** An operation's documented example, signed where it must be. */
export function callOperation(origin: string, operation: Operation, credentials: Credentials) {
  const { method, examplePath: path, exampleBody: body, hmac } = operation;
  if (hmac === "upload") return upload(origin, path, SELFIE, credentials);
  if (hmac === "body") return callSigned(origin, method, path, { ...credentials, body });
  const { key, headers } = credentials;
  return call(origin, method, path, {
    ...(key ? { key } : {}),
    ...(headers ? { headers } : {}),
    ...(body === undefined ? {} : { body }),
  });
}
