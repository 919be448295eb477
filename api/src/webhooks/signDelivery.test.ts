import { createHmac, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { signDelivery } from "./signDelivery.ts";
import { generateWebhookSecret, isWebhookSecret } from "./webhookSecret.ts";

/** HashAnchor's published sample: it throws unless both have the same length. */
function verifyWebhook(payload: string, signatureHeader: string, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(payload).digest("hex");
  return timingSafeEqual(Buffer.from(signatureHeader), Buffer.from(expected));
}

const eventId = "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f";
const body =
  '{"id":"019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f","type":"hash.anchored","data":{"externalId":"ünï"}}';
const anySecret = fc.string({ unit: "grapheme", minLength: 16, maxLength: 60 }).filter(isWebhookSecret);
const base64Secret = fc
  .uint8Array({ minLength: 8, maxLength: 64 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`);

test("HA-11 HashAnchor's published sample takes the bare hex header, with any secret", () => {
  fc.assert(
    fc.property(fc.oneof(anySecret, base64Secret), fc.string(), (secret, text) => {
      const headers = signDelivery({ eventId, body: text, secret, now: new Date() });
      expect(headers["X-HashAnchor-Signature"]).toMatch(/^[0-9a-f]{64}$/);
      expect(verifyWebhook(text, headers["X-HashAnchor-Signature"]!, secret)).toBe(true);
      expect(verifyWebhook(`${text} `, headers["X-HashAnchor-Signature"]!, secret)).toBe(false);
    }),
  );
});

test("HA-11 the library of Standard Webhooks takes its headers, with a whsec_ secret", () => {
  fc.assert(
    fc.property(base64Secret, (secret) => {
      const headers = signDelivery({ eventId, body, secret, now: new Date() });
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
      expect(() => new Webhook(generateWebhookSecret()).verify(body, headers)).toThrow();
      expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
      expect(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "another" })).toThrow();
    }),
  );
});

test("HA-11 a secret without whsec_ counts as UTF-8 for Standard Webhooks", () => {
  fc.assert(
    fc.property(anySecret, (secret) => {
      const headers = signDelivery({ eventId, body, secret, now: new Date() });
      expect(new Webhook(Buffer.from(secret), { format: "raw" }).verify(body, headers)).toBeTruthy();
    }),
  );
});

test("HA-11 the headers are those of the standard's own example, and time is in whole seconds", () => {
  // Standard Webhooks 1.0.0 as its reference library signs: a known answer, so that two bugs do not agree.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const now = new Date(1_614_265_330_999);
  const headers = signDelivery({
    eventId: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    body: '{"test": 2432232314}',
    secret,
    now,
  });
  expect(headers).toMatchObject({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("HA-11 generated secrets are whsec_ with 32 random bytes", () => {
  const secret = generateWebhookSecret();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(isWebhookSecret(secret)).toBe(true);
  expect(generateWebhookSecret()).not.toBe(secret);
});

test("HA-11 after whsec_ there must be base64", () => {
  for (const rest of ["", "no base64!", "AAA", "AA==B", "____", "-AAAAAAA"])
    expect(isWebhookSecret(`whsec_${rest}`), rest).toBe(false);
});
