import { createHmac } from "node:crypto";
import { standardKeyOf } from "./webhookSecret.ts";

/**
 * The headers that let a receiver check a delivery (HA-11): HashAnchor's bare hex HMAC-SHA256 of the raw body, whose key is the
 * secret's text, and those of Standard Webhooks 1.0.0, whose id stays the same over attempts and replays.
 */
export function signDelivery(input: {
  eventId: string;
  body: string;
  secret: string;
  now: Date;
}): Record<string, string> {
  const { eventId, body, secret } = input;
  const timestamp = Math.floor(input.now.getTime() / 1_000);
  const standard = createHmac("sha256", standardKeyOf(secret)).update(`${eventId}.${timestamp}.${body}`);
  return {
    "X-HashAnchor-Signature": createHmac("sha256", secret).update(body).digest("hex"),
    "webhook-id": eventId,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${standard.digest("base64")}`,
  };
}
