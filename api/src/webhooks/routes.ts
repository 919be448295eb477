import type { Context } from "hono";
import { z } from "zod";
import { NotFoundError } from "../errors.ts";
import type { AppEnv } from "../http/context.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import { createWebhook, type WebhookSettings } from "./createWebhook.ts";
import { deleteWebhook } from "./deleteWebhook.ts";
import { listDeliveries } from "./listDeliveries.ts";
import { listWebhooks } from "./listWebhooks.ts";
import { replayDelivery } from "./replayDelivery.ts";
import { testWebhook } from "./testWebhook.ts";
import { updateWebhook } from "./updateWebhook.ts";
import {
  createdWebhookAnswer,
  createWebhookBody,
  deliveriesQuery,
  deliveryAnswer,
  deliveryListAnswer,
  updateWebhookBody,
  webhookAnswer,
  webhookListAnswer,
} from "./wire.ts";

export type WebhookRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  settings: WebhookSettings;
  jobs: JobQueue;
};

const access = (verb: string): Access => ({
  scope: "query",
  action: `webhook.${verb}`,
  resourceType: "webhook",
});

const idParam = { schema: z.uuid(), description: "The webhook's id", example: EXAMPLE_ID };
const NO_SUCH_WEBHOOK = { description: "You have no such webhook" };

/** An id from the path; a malformed one names nothing. */
function idFrom(c: Context<AppEnv>, name: string, what: string): string {
  const id = c.req.param(name) ?? "";
  if (!z.uuid().safeParse(id).success) throw new NotFoundError(what);
  return id;
}
const webhookIdFrom = (c: Context<AppEnv>) => idFrom(c, "id", "Webhook");

/** `/v1/webhooks` (HA-10): where a tenant wants to be told of its hashes and consents. */
export function webhookRoutes(deps: WebhookRoutesDeps): Route[] {
  return [...webhookRoutesOf(deps), ...deliveryRoutesOf(deps)];
}

function webhookRoutesOf({ verbContext, settings }: WebhookRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/webhooks",
      summary: "List your webhooks",
      access: access("list"),
      answers: { 200: { description: "All of them, without their secrets", schema: webhookListAnswer } },
      handle: async (c) => c.json(await listWebhooks({ ctx: verbContext(c) })),
    }),
    defineRoute({
      method: "post",
      path: "/v1/webhooks",
      summary: "Create a webhook",
      description: "Deliveries are signed; see docs/api.md for how a receiver checks them.",
      access: access("create"),
      body: createWebhookBody,
      bodyExample: { url: "https://example.com/webhook", events: ["hash.anchored"] },
      answers: {
        201: { description: "Created; the secret is shown this once", schema: createdWebhookAnswer },
        409: { description: "A tenant with 20 webhooks must delete one first" },
      },
      handle: async (c, { body }) =>
        c.json(await createWebhook({ ctx: verbContext(c), input: body, settings }), 201),
    }),
    defineRoute({
      method: "patch",
      path: "/v1/webhooks/:id",
      summary: "Change a webhook's URL, events, secret or status",
      description: "A disabled webhook gets nothing, also not later.",
      access: access("update"),
      params: { id: idParam },
      body: updateWebhookBody,
      bodyExample: { status: "disabled" },
      answers: {
        200: { description: "The webhook as it is now", schema: webhookAnswer },
        404: NO_SUCH_WEBHOOK,
      },
      handle: async (c, { body }) => {
        const input = { ...body, id: webhookIdFrom(c) };
        return c.json(await updateWebhook({ ctx: verbContext(c), input, settings }));
      },
    }),
    defineRoute({
      method: "delete",
      path: "/v1/webhooks/:id",
      summary: "Delete a webhook and the log of its deliveries",
      access: access("delete"),
      params: { id: idParam },
      answers: { 204: { description: "Deleted" }, 404: NO_SUCH_WEBHOOK },
      handle: async (c) => {
        await deleteWebhook({ ctx: verbContext(c), input: { id: webhookIdFrom(c) } });
        return c.body(null, 204);
      },
    }),
  ];
}

function deliveryRoutesOf({ verbContext, jobs }: WebhookRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/webhooks/:id/test",
      summary: "Send the event webhook.test",
      access: access("test"),
      params: { id: idParam },
      answers: {
        202: { description: "It will be delivered", schema: deliveryAnswer },
        404: NO_SUCH_WEBHOOK,
        409: { description: "The webhook is disabled" },
      },
      handle: async (c) =>
        c.json(await testWebhook({ ctx: verbContext(c), input: { id: webhookIdFrom(c) }, jobs }), 202),
    }),
    defineRoute({
      method: "get",
      path: "/v1/webhooks/:id/deliveries",
      summary: "List what was delivered to a webhook, the newest first",
      description: "Kept for 30 days.",
      access: access("list_deliveries"),
      params: { id: idParam },
      query: deliveriesQuery,
      answers: { 200: { description: "One page", schema: deliveryListAnswer }, 404: NO_SUCH_WEBHOOK },
      handle: async (c, { query }) => {
        const input = { ...query, id: webhookIdFrom(c) };
        return c.json(await listDeliveries({ ctx: verbContext(c), input }));
      },
    }),
    defineRoute({
      method: "post",
      path: "/v1/webhooks/:id/deliveries/:deliveryId/replay",
      summary: "Deliver something again",
      description: "A new delivery with the same event id and body, signed anew.",
      access: { scope: "query", action: "webhook.replay", resourceType: "webhook_delivery" },
      params: {
        id: idParam,
        deliveryId: { schema: z.uuid(), description: "The delivery's id", example: EXAMPLE_ID },
      },
      answers: {
        202: { description: "The new delivery", schema: deliveryAnswer },
        404: { description: "You have no such webhook, or it no such delivery" },
        409: { description: "The delivery is under way, or the webhook disabled" },
      },
      handle: async (c) => {
        const input = { id: webhookIdFrom(c), deliveryId: idFrom(c, "deliveryId", "Delivery") };
        return c.json(await replayDelivery({ ctx: verbContext(c), input, jobs }), 202);
      },
    }),
  ];
}
