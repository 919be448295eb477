import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Context } from "hono";
import type { z } from "zod";
import { parseStrictJson, type StrictJsonProblem } from "#protocol/strictJson.ts";
import {
  ApiError,
  InvalidInputError,
  type MemberProblem,
  PayloadTooLargeError,
  UnreadableInputError,
} from "../errors.ts";
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
 * @throws {UnreadableInputError} 400 that names the member.
 * @throws {InvalidInputError}
 */
export async function readJson<S extends z.ZodType>(
  c: Context<AppEnv>,
  schema: S,
  mayBeEmpty = false,
): Promise<z.output<S>> {
  const text = decode(await readBody(c));
  const json = parseStrictJson(mayBeEmpty && text === "" ? "{}" : text);
  if (json.ok) return parseInput(schema, json.value, "request body");
  const problem = PROBLEMS[json.problem];
  if (json.member === null) throw new UnreadableInputError(problem);
  throw new UnreadableInputError(`${problem} "${json.member}"`, [{ member: json.member, problem }]);
}

/**
 * The request's `application/x-www-form-urlencoded` body (WHATWG URL §5.1), checked against `schema` as texts by name.
 * @throws {UnreadableInputError} 400 for a name that comes twice, and for escapes that are no UTF-8. @throws {PayloadTooLargeError} 413. @throws {InvalidInputError}
 */
export async function readForm<S extends z.ZodType>(c: Context<AppEnv>, schema: S): Promise<z.output<S>> {
  const values: Record<string, string> = Object.create(null);
  const text = decode(await readBody(c));
  // URLSearchParams would put U+FFFD in the place of what is none.
  for (const [escaped] of text.matchAll(/(?:%[0-9a-f]{2})+/gi))
    decode(Buffer.from(escaped.replaceAll("%", ""), "hex"));
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in values)
      throw new UnreadableInputError(`Duplicate member "${name}"`, [
        { member: name, problem: "Duplicate member" },
      ]);
    values[name] = value;
  }
  return parseInput(schema, { ...values }, "form");
}

export function isForm(c: Context<AppEnv>): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(c.req.header("content-type") ?? "");
}

/**
 * @param where what the value is to the caller, such as "query".
 * @throws {InvalidInputError} with the first problem in its message and each member's first one beside it. A message that is a
 * sentence of the surface's own (it begins with "Invalid hash") stands alone.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const members = memberProblems(parsed.error);
  const { member, problem } = members[0]!;
  const own = problem.startsWith("Invalid hash");
  throw new InvalidInputError(
    own ? problem : `Invalid ${where}${member === "" ? "" : `, ${member}`}: ${problem}`,
    members,
  );
}

/** The first problem of each member; the member is "" where it is the value as a whole. */
export function memberProblems({ issues }: z.ZodError): MemberProblem[] {
  const problems = new Map<string, string>();
  for (const { path, message } of issues.flatMap(innermost)) {
    const member = pathOf(path);
    if (!problems.has(member)) problems.set(member, message);
  }
  return [...problems].map(([member, problem]) => ({ member, problem }));
}

type Issue = Pick<z.core.$ZodIssue, "path" | "message">;

/** Of a value that fits no member of a union: what is wrong by the one that it comes nearest to. */
function innermost(issue: z.core.$ZodIssue): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const depth = (issues: readonly Issue[]) => Math.max(...issues.map(({ path }) => path.length));
  const options = issue.errors.map((issues) => issues.flatMap(innermost));
  const nearest = options.reduce((best, option) => (depth(option) > depth(best) ? option : best));
  if (depth(nearest) === 0) return [issue];
  return nearest.map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === "number") return `${before}[${part}]`;
    return before === "" ? String(part) : `${before}.${String(part)}`;
  }, "");
}

/**
 * The body's bytes as they came, read once.
 * @throws {PayloadTooLargeError} 413. @throws {UnreadableInputError} when the connection broke.
 */
export async function readBody(c: Context<AppEnv>): Promise<Uint8Array> {
  const read = c.get("body");
  if (read !== undefined) return read;
  try {
    const body = await readBytes(c);
    c.set("body", body);
    return body;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // Nothing but a connection that broke ends a body early: the client's doing, and nobody reads the answer.
    throw new UnreadableInputError("Request body is incomplete");
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
    throw new UnreadableInputError("Request body is not valid UTF-8");
  }
}
