import type { Caller } from "./accounts/scope.ts";
import type { Database } from "./db/client.ts";

/** What every verb is given beside its input. */
export type Context = {
  readonly db: Database;
  readonly clock: () => Date;
  readonly caller: Caller;
  readonly requestId: string;
  readonly clientAddress: string;
};

/** A verb takes parsed input and answers a value; it knows nothing of HTTP. */
export type VerbArgs<Input> = { ctx: Context; input: Input };
