import type { Context as HonoContext } from "hono";
import type { OriginSigner } from "../consents/originSigner.ts";
import type { Database } from "../db/client.ts";
import type { Context } from "../verb.ts";
import type { AppEnv } from "./context.ts";

/** Turns a request that requireApiKey has let through into what a verb needs. */
export function createVerbContext(db: Database, clock: () => Date, originSigner: OriginSigner) {
  return (c: HonoContext<AppEnv>): Context => ({
    db,
    clock,
    caller: c.get("caller"),
    requestId: c.get("requestId"),
    clientAddress: c.get("clientAddress"),
    call: c.get("call"),
    originSigner,
  });
}
