import { z } from "zod";
import { pageQuery, paginationAnswer } from "../accounts/wire.ts";
import { EVENT_TYPES } from "./eventTypes.ts";
import { isWebhookSecret } from "./webhookSecret.ts";

const url = z.string("must be an HTTPS URL").describe("HTTPS, at most 2048 characters, a public address");

const events = z
  .array(z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(", ")}`))
  .min(1, "must name at least one event")
  .transform((types) => [...new Set(types)]);

const secret = z
  .string("must have 16 to 255 characters")
  .min(16, "must have 16 to 255 characters")
  .max(255, "must have 16 to 255 characters")
  .refine(isWebhookSecret, "must be base64 after whsec_");

export const createWebhookBody = z.object({
  url,
  events: events.default([...EVENT_TYPES]),
  secret: secret.optional().describe("Made when absent; not shown again"),
});
export type CreateWebhookInput = z.output<typeof createWebhookBody>;

export const updateWebhookBody = z
  .object({
    url: url.optional(),
    events: events.optional(),
    secret: secret.optional(),
    status: z.enum(["active", "disabled"], "must be active or disabled").optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "must name a url, events, a secret or a status");
export type UpdateWebhookInput = z.output<typeof updateWebhookBody>;

export const deliveriesQuery = pageQuery;

const time = z.iso.datetime().describe("ISO 8601, UTC");

export const webhookAnswer = z.object({
  id: z.uuid(),
  url: z.string(),
  events: z.array(z.enum(EVENT_TYPES)),
  status: z.enum(["active", "disabled"]),
  createdAt: time,
  updatedAt: time,
});
export const createdWebhookAnswer = webhookAnswer.extend({
  secret: z.string().describe("Shown this once"),
});
export const webhookListAnswer = z.object({ data: z.array(webhookAnswer) });

export const deliveryAnswer = z.object({
  id: z.uuid(),
  webhookId: z.uuid(),
  eventId: z.uuid().describe("`id` of the body, and the header webhook-id; replays keep it"),
  eventType: z.enum(EVENT_TYPES),
  status: z.enum(["pending", "delivered", "dead", "cancelled"]),
  attempt: z.int().describe("Attempts made so far"),
  attemptedAt: time.nullable(),
  httpStatus: z.int().nullable().describe("Of the last attempt; null when there was no answer"),
  durationMs: z.int().nullable(),
  error: z.string().nullable().describe("What went wrong in the last attempt"),
  createdAt: time,
});
export const deliveryListAnswer = z.object({ data: z.array(deliveryAnswer), pagination: paginationAnswer });
