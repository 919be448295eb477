import { randomBytes } from "node:crypto";
import type { SecretBox } from "../secrets/secretBox.ts";

/** A secret with this prefix is base64 (Standard Webhooks, "Symmetric signatures"). */
const BASE64_PREFIX = "whsec_";
const SECRET_BYTES = 32;

export function generateWebhookSecret(): string {
  return BASE64_PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/** Whether the text can be a secret: after `whsec_` there must be base64, with its padding. */
export function isWebhookSecret(secret: string): boolean {
  if (!secret.startsWith(BASE64_PREFIX)) return true;
  const base64 = secret.slice(BASE64_PREFIX.length);
  return base64 !== "" && Buffer.from(base64, "base64").toString("base64") === base64;
}

/** The key of the Standard Webhooks signature: what `whsec_…` decodes to, of another secret its UTF-8. */
export function standardKeyOf(secret: string): Buffer {
  return secret.startsWith(BASE64_PREFIX)
    ? Buffer.from(secret.slice(BASE64_PREFIX.length), "base64")
    : Buffer.from(secret);
}

export function sealWebhookSecret(box: SecretBox, webhookId: string, secret: string): Buffer {
  return box.seal(Buffer.from(secret), webhookSecretContext(webhookId));
}

/** @throws {UnopenableSecretError} when it was sealed with a secret that is not configured any more. */
export function openWebhookSecret(box: SecretBox, webhookId: string, sealed: Uint8Array): string {
  return box.open(sealed, webhookSecretContext(webhookId)).toString();
}

/** What a webhook's secret is sealed for. */
export function webhookSecretContext(webhookId: string): string {
  return `webhook-secret:${webhookId}`;
}
