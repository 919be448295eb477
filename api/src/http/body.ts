import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Context } from "hono";
import type { z } from "zod";
import { parseStrictJson, type StrictJsonProblem } from "#protocol/strictJson.ts";
import { ApiError, InvalidInputError, PayloadTooLargeError } from "../errors.ts";
import type { AppEnv } from "./context.ts";

/** Every JSON body on every surface: over it is a 413, also when it comes in chunks. */
const BODY_BYTES_MAX = 1_048_576;

const PROBLEMS: Record<StrictJsonProblem, string> = {
  syntax: "Request body is not valid JSON",
  duplicateMember: "Duplicate member",
  loneSurrogate: "Lone surrogate in member",
  unsafeInteger: "Integer beyond 2^53 in member",
  tooDeep: "Nesting beyond 32 at member",
};

/**
 * The request's JSON body, checked against `schema`; members that the schema does not name are ignored.
 * @throws {PayloadTooLargeError} 413.
 * @throws {InvalidInputError} 400 that names the member.
 */
export async function readJson<S extends z.ZodType>(c: Context<AppEnv>, schema: S): Promise<z.output<S>> {
  const json = parseStrictJson(await readText(c));
  if (!json.ok) {
    const member = json.member === null ? "" : ` "${json.member}"`;
    throw new InvalidInputError(`${PROBLEMS[json.problem]}${member}`);
  }
  return parseInput(schema, json.value, "request body");
}

/**
 * @param where what the value is to the caller, such as "query".
 * @throws {InvalidInputError} 400 with the first problem and, as `member`, its path. A message that is a sentence of the
 * surface's own (it begins with "Invalid") stands alone.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const member = issue.path.reduce<string>(
    (path, part) =>
      typeof part === "number" ? `${path}[${part}]` : path === "" ? String(part) : `${path}.${String(part)}`,
    "",
  );
  const own = issue.message.startsWith("Invalid hash");
  throw new InvalidInputError(
    own ? issue.message : `Invalid ${where}${member === "" ? "" : `, ${member}`}: ${issue.message}`,
    member === "" ? {} : { member },
  );
}

async function readText(c: Context<AppEnv>): Promise<string> {
  try {
    return decode(await readBytes(c));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // Nothing but a connection that broke ends a body early: the client's doing, and nobody reads the answer.
    throw new InvalidInputError("Request body is incomplete");
  }
}

async function readBytes(c: Context<AppEnv>): Promise<Uint8Array> {
  const length = c.req.header("content-length");
  if (length !== undefined && c.req.header("transfer-encoding") === undefined) {
    if (Number(length) > BODY_BYTES_MAX) throw new PayloadTooLargeError(BODY_BYTES_MAX);
    return new Uint8Array(await c.req.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (c.req.raw.body as NodeReadableStream<Uint8Array> | null) ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new PayloadTooLargeError(BODY_BYTES_MAX);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new InvalidInputError("Request body is not valid UTF-8");
  }
}
