import type { Context } from "hono";
import type { z } from "zod";
import type { Scope } from "../accounts/scope.ts";
import type { AppEnv } from "./context.ts";

/**
 * Who may call a route. There is no default: a route without a rule does not compile.
 * - `open`: anybody, not limited.
 * - `public`: anybody, limited per client address.
 * - with `scope`: a key that has it (HA-20), limited per key (HA-13); the call leaves an audit row (HA-15).
 *   `checked: "inStatement"`: the statement that stores also checks the caller's access version, see requireApiKey.ts.
 */
export type Access = "open" | "public" | KeyAccess;
export type KeyAccess = {
  scope: Scope;
  checked?: "inStatement";
  /** An access token stands for the key that got it (SG-11). */
  byAccessToken?: true;
  /** Requests may be signed; those of a key that demands it must be (HE-9). */
  signable?: true;
  /** Requests must be signed with a secret of the key (proofage.md, Authentication), see checkHmac.ts; `upload`: their body is multipart. */
  hmac?: "body" | "upload";
  /** What is submitted counts to the tenant's plan, so that answers carry X-Quota-*, each 429 too (HA-14). */
  countsToQuota?: true;
  /** Who calls by its account token alone; others may have a key as well. */
  by?: "account";
  /** The row's action and resource type, in the source's style: `hash.submit`, `hash`. */
  action: `${string}.${string}`;
  resourceType: string;
};

export function isKeyed(access: Access): access is KeyAccess {
  return typeof access === "object";
}

/** Resource type of routes whose path names a person: what audit rows and the log keep must not outlive an erasure, so they keep no name. */
export const PERSON = "person";

/** Stands in the examples wherever an id is meant. */
export const EXAMPLE_ID = "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f";

/** One answer of a route: what it means, and its body. */
export type Answer = {
  description: string;
  /** Of a JSON body; without it and without `contentType` there is no body. */
  schema?: z.ZodType;
  example?: unknown;
  /** Of a body that is not application/json. */
  contentType?: string;
};

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A route as it is mounted, checked and described: one definition for all three. */
export type Route<Query = z.ZodObject | undefined, Body = z.ZodType | undefined> = {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** As Hono has it: `/v1/hashes/:hash`. */
  path: `/${string}`;
  summary: string;
  description?: string;
  access: Access;
  /** Path parameters by name; what a malformed one is answered with is the handler's matter. */
  params?: Record<string, { schema: z.ZodType; description: string; example: string }>;
  /** Whether what the path names is there, asked before query and body are looked at; throws when it is not. */
  mustExist?: (c: Context<AppEnv>) => Promise<void>;
  query?: Query;
  body?: Body;
  /** Fields that come with a file (`hmac: "upload"`). */
  multipart?: z.ZodType;
  /** An empty body stands for `{}`. */
  bodyMayBeEmpty?: true;
  /** Takes an Idempotency-Key (HE-8), see idempotencyKey.ts. */
  idempotent?: true;
  /** The same input as `application/x-www-form-urlencoded`, with what `body` gives. */
  form?: z.ZodType;
  /** An example of the body, which a test sends. */
  bodyExample?: unknown;
  /** Answers by status; refusals that the access, the body and the query imply are added by the description. */
  answers: Record<number, Answer>;
  handle: (
    c: Context<AppEnv>,
    input: { query: Output<Query>; body: Output<Body> },
  ) => Response | Promise<Response>;
};

/** Infers what the handler gets from the schemas that stand beside it. */
export function defineRoute<
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(route: Route<Query, Body>): Route {
  return route as unknown as Route;
}
