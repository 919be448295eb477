import { stdSerializers } from "pino";

/** Scheme, user, host, and the rest: providers' keys stand in user, path and query. */
const URL_IN_TEXT =
  /\b((?:https?|wss?|postgres(?:ql)?|rediss?):\/\/)(?:[^\s/?#"]*@)?([^\s/?#"]+)([/?#][^\s"]*)?/gi;

/** drizzle's message ends with the statement's values, which may be a person's. */
const STATEMENT_VALUES = /\nparams: [^\n]*/g;

/**
 * What the log keeps of an error: type, message and stack with those of its causes, and its code. Of a URL only the host is
 * left, because an RPC URL is a secret and viem writes it into every error; of a statement not its values; what else hangs on an
 * error is not written at all.
 */
export function errorForLog(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(error);
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return { type, message: withoutSecrets(message), stack: withoutSecrets(stack), code, constraint };
}

function withoutSecrets(text: string): string {
  return text
    .replace(STATEMENT_VALUES, "")
    .replace(URL_IN_TEXT, (_url, scheme: string, host: string, rest = "/") =>
      rest === "/" ? `${scheme}${host}${rest}` : `${scheme}${host}/…`,
    );
}
