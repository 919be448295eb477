import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { Logger } from "pino";
import { newId } from "../newId.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { createClientAddress } from "./clientAddress.ts";
import { type AppEnv, setHeader } from "./context.ts";
import { PERSON } from "./route.ts";

/** Where only this middleware has matched, there is no route. */
const EVERY_PATH = "/*";

/** Gives every request its id and writes one line about it when it is answered. Paths only, for a query may hold personal
 * values; where the path itself names a person, or no route is there to say whether it does, the route's pattern. */
export function requestLog(
  logger: Logger,
  clientAddress: ReturnType<typeof createClientAddress>,
  metrics: Metrics,
) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const startedAt = performance.now();
    const requestId = newId();
    c.set("requestId", requestId);
    c.set(
      "clientAddress",
      clientAddress(
        c.env.incoming.socket.remoteAddress,
        c.req.header("x-forwarded-for"),
        c.req.header("x-real-ip"),
      ),
    );
    setHeader(c, "X-Request-Id", requestId);
    await next();
    const status = c.res.status;
    const failure = c.get("failure");
    const tookMs = performance.now() - startedAt;
    // The route's pattern, not the path: a label must not grow with what is asked for.
    const route = matchedRoutes(c).at(-1)?.path ?? "";
    metrics.requestSeconds.observe({ method: c.req.method, route, status }, tookMs / 1_000);
    if (status === 429) metrics.limited.inc({ limit: c.res.headers.has("Retry-After") ? "rate" : "quota" });
    const line = {
      requestId,
      method: c.req.method,
      path: loggedPath(c, route),
      status,
      ms: Math.round(tookMs * 10) / 10,
    };
    if (status >= 500) logger.error({ ...line, err: failure }, "request failed");
    else logger.info(line, "request");
  });
}

function loggedPath(c: Context<AppEnv>, route: string): string {
  const mayName = route === EVERY_PATH || c.get("call")?.resourceType === PERSON;
  return mayName ? route : c.req.path;
}
