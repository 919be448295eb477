import { UnauthorizedError } from "../errors.ts";
import { defineRoute, type Route } from "../http/route.ts";
import type { Readiness } from "./readiness.ts";
import { healthAnswer, readinessAnswer } from "./wire.ts";

export type OperationRoutesDeps = {
  readReadiness: () => Promise<Readiness>;
  /** In Prometheus' text format. */
  readMetrics: () => Promise<string>;
  /** Told the request's Authorization header. */
  mayReadMetrics: (authorization: string | undefined) => boolean;
};

/** What a supervisor asks: not limited, so that a busy client never makes a process look dead. */
export function operationRoutes({
  readReadiness,
  readMetrics,
  mayReadMetrics,
}: OperationRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/health",
      summary: "Whether the process serves",
      access: "open",
      answers: { 200: { description: "It does", schema: healthAnswer } },
      handle: (c) => c.json({ status: "ok" }),
    }),
    defineRoute({
      method: "get",
      path: "/ready",
      summary: "Whether database, chains and index can be reached",
      access: "open",
      answers: {
        200: { description: "All of them", schema: readinessAnswer },
        503: { description: "Not all; the body says which", schema: readinessAnswer },
      },
      handle: async (c) => {
        const now = await readReadiness();
        return c.json(now, now.ready ? 200 : 503);
      },
    }),
    defineRoute({
      method: "get",
      path: "/metrics",
      summary: "Metrics for Prometheus",
      description:
        "Depths and ages of the pipeline, balances, limits, errors. Asks for METRICS_TOKEN as a bearer token; without one set, keep it to your own network.",
      access: "open",
      answers: {
        200: { description: "Text format 0.0.4", contentType: "text/plain" },
        401: { description: "Not the token that is set" },
      },
      handle: async (c) => {
        if (!mayReadMetrics(c.req.header("authorization")))
          throw new UnauthorizedError("Invalid metrics token");
        return c.text(await readMetrics(), 200, { "Content-Type": "text/plain; version=0.0.4" });
      },
    }),
  ];
}
