import type { Context } from "hono";
import { isDatabaseUnavailable } from "../db/client.ts";
import { ApiError, InvalidInputError, UnavailableError } from "../errors.ts";
import type { AppEnv } from "./context.ts";
import { type ErrorBody, errorBodyOf } from "./errorBody.ts";

/** The one place where an error becomes an answer, in the body of the surface that was asked. */
export function createErrorHandler(bodies: readonly ErrorBody[]) {
  return (error: unknown, c: Context<AppEnv>): Response => {
    const body = errorBodyOf(bodies, c.req.path);
    const known = knownError(error);
    if (known === null) {
      c.set("failure", error);
      const internal = new ApiError(500, "Internal server error");
      return c.json({ ...body.of(internal), requestId: c.get("requestId") }, 500);
    }
    if (known.status >= 500) c.set("failure", known.cause ?? known);
    for (const [name, value] of Object.entries(known.headers)) c.header(name, value);
    const status = known instanceof InvalidInputError ? body.invalidInputStatus : known.status;
    return c.json(body.of(known), status as 400);
  };
}

function knownError(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  if (isDatabaseUnavailable(error))
    return new UnavailableError("The database did not answer; try again", error);
  return null;
}
