import type { Context } from "hono";
import { z } from "zod";
import { pageQuery } from "../accounts/wire.ts";
import { NotFoundError } from "../errors.ts";
import type { AppEnv } from "../http/context.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { JobQueue } from "./jobQueue.ts";
import { getDeadLetterStats, listDeadLetters } from "./listDeadLetters.ts";
import { discardDeadLetter, retryDeadLetter } from "./retryDeadLetter.ts";
import { deadLetterListAnswer, deadLetterStatsAnswer, retriedAnswer } from "./wire.ts";

export type DeadLetterRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  jobs: JobQueue;
};

const access = (verb: string): Access => ({
  scope: "admin",
  action: `dlq.${verb}`,
  resourceType: "dead_letter",
});

const params = { id: { schema: z.uuid(), description: "The dead letter's id", example: EXAMPLE_ID } };
const NO_SUCH = { description: "No such dead letter waits" };

function idFrom(c: Context<AppEnv>): string {
  const id = c.req.param("id") ?? "";
  if (!z.uuid().safeParse(id).success) throw new NotFoundError("Dead letter");
  return id;
}

/** `/admin/dlq` (HA-18): jobs that were tried as often as their queue allows, for the operator. */
export function deadLetterRoutes({ verbContext, jobs }: DeadLetterRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/admin/dlq/stats",
      summary: "How many jobs were given up, and the newest of them",
      access: access("stats"),
      answers: { 200: { description: "Counts and the newest", schema: deadLetterStatsAnswer } },
      handle: async (c) => c.json(await getDeadLetterStats({ ctx: verbContext(c) })),
    }),
    defineRoute({
      method: "get",
      path: "/admin/dlq",
      summary: "List jobs that were given up, the newest first",
      access: access("list"),
      query: pageQuery,
      answers: { 200: { description: "One page", schema: deadLetterListAnswer } },
      handle: async (c, { query }) => c.json(await listDeadLetters({ ctx: verbContext(c), input: query })),
    }),
    defineRoute({
      method: "post",
      path: "/admin/dlq/:id/retry",
      summary: "Give a job that was given up all its attempts again",
      access: access("retry"),
      params,
      answers: {
        202: { description: "It is in its queue again", schema: retriedAnswer },
        404: NO_SUCH,
        409: { description: "Its queue is not known any more" },
      },
      handle: async (c) => {
        const id = idFrom(c);
        await retryDeadLetter({ ctx: verbContext(c), input: { id }, jobs });
        return c.json({ id, status: "retried" }, 202);
      },
    }),
    defineRoute({
      method: "delete",
      path: "/admin/dlq/:id",
      summary: "Discard a job that was given up",
      access: access("discard"),
      params,
      answers: { 204: { description: "Discarded" }, 404: NO_SUCH },
      handle: async (c) => {
        await discardDeadLetter({ ctx: verbContext(c), input: { id: idFrom(c) }, jobs });
        return c.body(null, 204);
      },
    }),
  ];
}
