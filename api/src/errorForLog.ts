import pg from "pg";
import { stdSerializers } from "pino";
import { DrizzleQueryError } from "./db/drizzle.ts";

/** Scheme, user, host, and the rest: providers' keys stand in user, path and query. */
const URL_IN_TEXT =
  /\b((?:https?|wss?|postgres(?:ql)?|rediss?):\/\/)(?:[^\s/?#"]*@)?([^\s/?#"]+)([/?#][^\s"]*)?/gi;

/**
 * What the log keeps of an error: type, message and stack with those of its causes, and its code. Of a URL only the host is
 * left, because an RPC URL is a secret and viem writes it into every error; of a statement not its values, nor what PostgreSQL quotes of them; what
 * else hangs on an error is not written at all.
 */
export function errorForLog(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(withoutValues(error));
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return { type, message: withoutSecrets(message), stack: withoutSecrets(stack), code, constraint };
}

/** The same error and causes, each drizzle error among them without its statement's values. */
function withoutValues(error: Error): Error {
  const cause = error.cause instanceof Error ? withoutValues(error.cause) : error.cause;
  const message = messageWithoutValues(error);
  if (message === error.message)
    return cause === error.cause ? error : Object.create(error, { cause: { value: cause } });
  // What follows the message are the frames; where it is not found, nothing is sure to be one.
  const [, frames = ""] = error.stack?.split(error.message) ?? [];
  const stack = `${error.name}: ${message}${frames}`;
  return Object.create(error, {
    message: { value: message },
    stack: { value: stack },
    cause: { value: cause },
  });
}

function messageWithoutValues(error: Error): string {
  if (error instanceof DrizzleQueryError) return `Failed query: ${error.query}`;
  if (!(error instanceof pg.DatabaseError)) return error.message;
  const names = [error.schema, error.table, error.column, error.constraint, error.dataType];
  // `invalid input syntax for type uuid: "…"` quotes what was sent; what it quotes else are names.
  return error.message.replaceAll(/"([^"]*)"/g, (quoted, text: string) =>
    names.includes(text) ? quoted : '"…"',
  );
}

function withoutSecrets(text: string): string {
  return text.replace(URL_IN_TEXT, (_url, scheme: string, host: string, rest = "/") =>
    rest === "/" ? `${scheme}${host}${rest}` : `${scheme}${host}/…`,
  );
}
