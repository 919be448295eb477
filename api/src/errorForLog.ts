import { DrizzleQueryError } from "drizzle-orm";
import { stdSerializers } from "pino";

/** Scheme, user, host, and the rest: providers' keys stand in user, path and query. */
const URL_IN_TEXT =
  /\b((?:https?|wss?|postgres(?:ql)?|rediss?):\/\/)(?:[^\s/?#"]*@)?([^\s/?#"]+)([/?#][^\s"]*)?/gi;

/**
 * What the log keeps of an error: type, message and stack with those of its causes, and its code. Of a URL only the host is
 * left, because an RPC URL is a secret and viem writes it into every error; of a statement not its values; what else hangs on an
 * error is not written at all.
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
  if (!(error instanceof DrizzleQueryError)) {
    return cause === error.cause ? error : Object.create(error, { cause: { value: cause } });
  }
  const message = `Failed query: ${error.query}`;
  // What follows the message are the frames; where it is not found, nothing is sure to be one.
  const [, frames = ""] = error.stack?.split(error.message) ?? [];
  const stack = `${error.name}: ${message}${frames}`;
  return Object.create(error, {
    message: { value: message },
    stack: { value: stack },
    cause: { value: cause },
  });
}

function withoutSecrets(text: string): string {
  return text.replace(URL_IN_TEXT, (_url, scheme: string, host: string, rest = "/") =>
    rest === "/" ? `${scheme}${host}${rest}` : `${scheme}${host}/…`,
  );
}
