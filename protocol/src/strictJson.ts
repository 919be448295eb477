import { endOfString, findDuplicateMember } from "./duplicateMember.ts";
import { joinPath, nameForAnswer } from "./memberPath.ts";

export type StrictJsonProblem = "syntax" | "duplicateMember" | "loneSurrogate" | "unsafeInteger" | "tooDeep";

/** `member` is the path of the first offending member, such as `hashes[2].externalId`; null when it has no name. */
export type StrictJson =
  | { ok: true; value: unknown }
  | { ok: false; problem: StrictJsonProblem; member: string | null };

const DEPTH_MAX = 32;
const COLON = 0x3a;
const QUOTE = 0x22;

/**
 * JSON that every reader reads alike: refuses duplicate member names (however they are spelled), lone surrogates (raw or
 * escaped, in names and values), whole numbers beyond ±(2^53 − 1) (also 1e400) and nesting beyond 32.
 * A `__proto__` member is an ordinary own member.
 * Source: I-JSON (RFC 7493) §2.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: "syntax", member: null };
  }
  // A lone surrogate in a parsed string was either raw in the text or written as an escape.
  const isTextWellFormed = text.isWellFormed();
  const walk: Walk = { members: 0, checksStrings: !isTextWellFormed || text.includes("\\u") };
  const found = visit(walk, value, 0);
  if (found !== null) return { ok: false, problem: found.problem, member: found.path };
  if (!isTextWellFormed) return { ok: false, problem: "loneSurrogate", member: null };

  // JSON.parse keeps one of two members with the same name. As many colons as members: nothing was dropped. This costs one
  // scan of the text; only a text that fails it is read again, to name the member.
  if (countColons(text) !== walk.members) {
    return { ok: false, problem: "duplicateMember", member: findDuplicateMember(text) };
  }
  return { ok: true, value };
}

type Walk = { members: number; checksStrings: boolean };
type Found = { problem: StrictJsonProblem; path: string | null };

function visit(walk: Walk, value: unknown, depth: number): Found | null {
  if (typeof value === "string") {
    return walk.checksStrings && !value.isWellFormed() ? { problem: "loneSurrogate", path: null } : null;
  }
  if (typeof value === "number") {
    return isBeyondSafe(value) ? { problem: "unsafeInteger", path: null } : null;
  }
  if (typeof value !== "object" || value === null) return null;
  if (depth === DEPTH_MAX) return { problem: "tooDeep", path: null };
  return Array.isArray(value) ? visitItems(walk, value, depth) : visitMembers(walk, value as Members, depth);
}

type Members = Record<string, unknown>;

function visitItems(walk: Walk, items: readonly unknown[], depth: number): Found | null {
  for (let i = 0; i < items.length; i++) {
    const found = visit(walk, items[i], depth + 1);
    if (found !== null) return { problem: found.problem, path: joinPath(`[${i}]`, found.path) };
  }
  return null;
}

function visitMembers(walk: Walk, object: Members, depth: number): Found | null {
  const names = Object.keys(object);
  walk.members += names.length;
  for (const name of names) {
    if (walk.checksStrings && !name.isWellFormed())
      return { problem: "loneSurrogate", path: nameForAnswer(name) };
    const found = visit(walk, object[name], depth + 1);
    if (found !== null) return { problem: found.problem, path: joinPath(nameForAnswer(name), found.path) };
  }
  return null;
}

/** Beyond 2^53 every double is a whole number, and Infinity stands for one that did not even fit. */
function isBeyondSafe(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER;
}

/** Colons outside strings, which is the number of members as written. */
function countColons(text: string): number {
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === COLON) colons += 1;
    else if (code === QUOTE) i = endOfString(text, i);
  }
  return colons;
}
