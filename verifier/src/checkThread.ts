import { type Json, recordDigest } from "#protocol/consentRecord.ts";
import { digestsOf, readDisclosures } from "./checkRecord.ts";
import type { UncheckedReason } from "./reason.ts";
import type { FileContent } from "./receiptFile.ts";
import { type Check, type CheckName, failed, passed, unchecked } from "./verification.ts";

/** Fields that make a thread (protocol §7). */
const THREAD_FIELDS = ["subject", "issuer", "target", "scope"];

/** A record as its place in the thread is looked at. `isWhole`: nothing of it was left out or erased. */
export type Entry = { digest: string; fields: Map<string, Json>; isWhole: boolean };

/**
 * That records are a thread from its beginning: each names the one before it, was made no earlier, and is of the same subject, issuer, target and
 * scope. What was left out of a record leaves unchecked what it would have told.
 */
export function checkThread(entries: readonly (Entry | null)[]): Check[] {
  const [first] = entries;
  if (first === undefined) return [failed("start", "notAReceipt", "records", "no record at all")];
  const read = entries.filter((entry) => entry !== null);
  if (first === null || read.length < entries.length)
    return (["start", "links", "thread", "times"] as const).map((name) => unchecked(name, "notReached"));
  return [checkStart(first), checkLinks(read), checkSameThread(read), checkTimes(read)];
}

function checkStart({ fields, isWhole }: Entry): Check {
  const previous = fields.get("previous");
  if (previous !== undefined) return failed("start", "startMissing", "the first record", previous);
  return isWhole ? passed("start") : unchecked("start", "previousWithheld", "record 1");
}

function checkLinks(entries: Entry[]): Check {
  let withheld: Check | null = null;
  for (const [place, { fields, isWhole }] of entries.entries()) {
    const before = entries[place - 1];
    if (before === undefined) continue;
    const previous = fields.get("previous");
    const expected = `sha256:${before.digest}`;
    if (previous === expected) continue;
    const where = `record ${place + 1}`;
    if (previous !== undefined || isWhole)
      return failed("links", "linkBroken", `${where} after ${previous ?? "nothing"}`, expected);
    withheld ??= unchecked("links", "previousWithheld", where);
  }
  return withheld ?? passed("links");
}

function checkSameThread(entries: Entry[]): Check {
  for (const name of THREAD_FIELDS) {
    const known = entries.filter(({ fields, isWhole }) => fields.has(name) || isWhole);
    const values = known.map(({ fields }) => JSON.stringify(fields.get(name) ?? null));
    const other = values.find((value) => value !== values[0]);
    if (other !== undefined) return failed("thread", "threadMixed", `${name} = ${values[0]}`, other);
  }
  return withheldIn(entries, THREAD_FIELDS, "thread", "threadWithheld") ?? passed("thread");
}

function checkTimes(entries: Entry[]): Check {
  const times = entries.map(({ fields }) => fields.get("created")).filter((time) => time !== undefined);
  // A text that names no time is not before another, nor after it.
  const late = times.findIndex((time, at) => at > 0 && !(msOf(times[at - 1]!) <= msOf(time)));
  if (late > 0) return failed("times", "timesMixed", times[late], times[late - 1]);
  return withheldIn(entries, ["created"], "times", "createdWithheld") ?? passed("times");
}

function withheldIn(entries: Entry[], names: string[], check: CheckName, reason: UncheckedReason) {
  const place = entries.findIndex(
    ({ fields, isWhole }) => !isWhole && names.some((name) => !fields.has(name)),
  );
  return place < 0 ? null : unchecked(check, reason, `record ${place + 1}`);
}

function msOf(time: Json): number {
  return Date.parse(String(time));
}

/** Null for what is no record; its own verification says why. */
export function entryOf({ record }: FileContent): Entry | null {
  const digests = digestsOf(record?._sd);
  if (record === undefined || digests === null) return null;
  const { check, fields } = readDisclosures(record.disclosures, new Set(digests));
  if (check.outcome !== "passed") return null;
  return {
    digest: recordDigest(digests).slice(2),
    fields: new Map(fields.map(({ name, value }) => [name, value])),
    isWhole: fields.length === digests.length,
  };
}
