import type { Caller } from "./accounts/scope.ts";
import type { OriginSigner } from "./consents/originSigner.ts";
import type { Database } from "./db/client.ts";

/** What the audit log says of the call (HA-15). */
export type AuditedCall = {
  readonly action: string;
  readonly resourceType: string;
  resourceId: string | null;
  /** Whether a transaction of the call itself has written the row. */
  isRecorded: boolean;
};

/** What every verb is given beside its input. */
export type Context = {
  readonly db: Database;
  readonly clock: () => Date;
  readonly caller: Caller;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly call: AuditedCall;
  readonly originSigner: OriginSigner;
};

/** A verb takes parsed input and answers a value; it knows nothing of HTTP. */
export type VerbArgs<Input> = { ctx: Context; input: Input };
