import canonicalize from "canonicalize";

export type Difference = { member: string; claimed: unknown; found: unknown };

/** Where two JSON values first differ, as deep as it can be named; null when they are equal. A member that is missing is undefined. */
export function firstDifference(claimed: unknown, found: unknown, member: string): Difference | null {
  if (claimed !== undefined && found !== undefined && canonicalize(claimed) === canonicalize(found))
    return null;
  if (!isComposed(claimed) || !isComposed(found) || Array.isArray(claimed) !== Array.isArray(found))
    return { member, claimed, found };
  for (const name of new Set([...Object.keys(claimed), ...Object.keys(found)])) {
    const inner = firstDifference(own(claimed, name), own(found, name), pathOf(member, name, claimed));
    if (inner !== null) return inner;
  }
  return { member, claimed, found };
}

function pathOf(member: string, name: string, within: object): string {
  if (Array.isArray(within)) return `${member}[${name}]`;
  return member === "" ? name : `${member}.${name}`;
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function isComposed(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
