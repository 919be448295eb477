import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Caller } from "../accounts/scope.ts";
import type { AuditedCall } from "../verb.ts";
import type { Upload } from "./upload.ts";

/** What the middlewares leave for the routes. */
export type AppEnv = {
  Bindings: HttpBindings;
  Variables: {
    /** UUID version 7; also in the header X-Request-Id, in the log and in the audit row. */
    requestId: string;
    clientAddress: string;
    /** Whose key the request came with, refused or not; set by requireApiKey. */
    authenticated?: { tenantId: string; apiKeyId: string | null };
    /** Set by requireApiKey. */
    caller: Caller;
    /** Of a caller with an account token. */
    accountId?: string;
    /** Set by auditCall. */
    call: AuditedCall;
    /** Set by requireApiKey where a statement checks the caller: who it is now, or a refusal. */
    renewCaller: () => Promise<Caller>;
    /** The request's body once it was read; see readBody. */
    body?: Uint8Array;
    /** Of a route that takes one; set by checkHmac. */
    upload?: Upload;
    /** What went wrong, for the log line of the request. */
    failure?: unknown;
  };
};

/**
 * Sets a header that every answer of a route carries, whichever it will be. It goes straight to Node's response: `c.header`
 * makes Hono build a Headers object per answer, which costs more than the rest of a short route.
 */
export function setHeader(c: Context<AppEnv>, name: string, value: string): void {
  c.env.outgoing.setHeader(name, value);
}
