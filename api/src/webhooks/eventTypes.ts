/** Everything that a webhook can be told of (HA-10). `hash.failed` is kept for clients: no step of the pipeline gives a hash up. */
export const EVENT_TYPES = [
  "hash.anchored",
  "hash.failed",
  "batch.anchored",
  "consent.recorded",
  "consent.withdrawn",
  "consent.expired",
  "webhook.test",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export type WebhookEvent = { id: string; type: EventType; createdAt: Date; data: object };

/** The body of a delivery, byte for byte the same in each attempt and replay. */
export function bodyOf({ id, type, createdAt, data }: WebhookEvent): string {
  return JSON.stringify({ id, type, createdAt: createdAt.toISOString(), data });
}
