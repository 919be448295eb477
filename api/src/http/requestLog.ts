import { createMiddleware } from "hono/factory";
import type { Logger } from "pino";
import { newId } from "../newId.ts";
import type { createClientAddress } from "./clientAddress.ts";
import { type AppEnv, setHeader } from "./context.ts";

/** Gives every request its id and writes one line about it when it is answered. Paths only: a query may hold personal values. */
export function requestLog(logger: Logger, clientAddress: ReturnType<typeof createClientAddress>) {
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
    const line = {
      requestId,
      method: c.req.method,
      path: c.req.path,
      status,
      ms: Math.round((performance.now() - startedAt) * 10) / 10,
    };
    if (status >= 500) logger.error({ ...line, err: failure }, "request failed");
    else logger.info(line, "request");
  });
}
