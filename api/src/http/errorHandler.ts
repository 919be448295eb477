import type { Context } from "hono";
import { isDatabaseUnavailable } from "../db/client.ts";
import { ApiError, UnavailableError } from "../errors.ts";
import type { AppEnv } from "./context.ts";

/** The one place where an error becomes an answer, in HashAnchor's body: `{error}`, and on a 429 also `message` (HA-20). */
export function answerError(error: unknown, c: Context<AppEnv>): Response {
  const known =
    error instanceof ApiError
      ? error
      : isDatabaseUnavailable(error)
        ? new UnavailableError("The database did not answer; try again", error)
        : null;
  if (known === null) {
    c.set("failure", error);
    return c.json({ error: "Internal server error", requestId: c.get("requestId") }, 500);
  }
  if (known.status >= 500) c.set("failure", known.cause ?? known);
  for (const [name, value] of Object.entries(known.headers)) c.header(name, value);
  const message = known.status === 429 ? { message: known.message } : {};
  return c.json({ error: known.message, ...message, ...known.details }, known.status as 400);
}
