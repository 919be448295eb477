import type { HttpBindings } from "@hono/node-server";
import type { Caller } from "../accounts/scope.ts";

/** What the middlewares leave for the routes. */
export type AppEnv = {
  Bindings: HttpBindings;
  Variables: {
    /** UUID version 7; also in the header X-Request-Id, in the log and in the audit row. */
    requestId: string;
    clientAddress: string;
    /** Set by requireApiKey. */
    caller: Caller;
    /** What went wrong, for the log line of the request. */
    failure?: unknown;
  };
};
