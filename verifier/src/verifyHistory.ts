import { type Json, recordDigest } from "#protocol/consentRecord.ts";
import { digestsOf, readDisclosures } from "./checkRecord.ts";
import type { FileContent } from "./receiptFile.ts";
import {
  type Check,
  conclude,
  failed,
  passed,
  type Statement,
  unchecked,
  type Verification,
} from "./verification.ts";
import { type VerifyReceiptInput, verifyReceipt } from "./verifyReceipt.ts";

export type VerifyHistoryInput = Omit<VerifyReceiptInput, "receipt" | "record" | "claims" | "jwt"> & {
  /** The oldest record first, as contentOfFile answers it. */
  history: readonly FileContent[];
  /** What stands around the records, to be named in the answer. */
  notProven?: Statement[];
};

/** Plain JSON all through. Verdict and reasons follow from the thread's checks and the records' verdicts. */
export type HistoryVerification = Pick<Verification, "verdict" | "reasons" | "notProven"> & {
  /** `start`: that nothing came before the first; `links`: that each names the one before it; `thread`: that all are of one thread. */
  thread: Check[];
  records: Verification[];
};

/** Fields that make a thread (protocol §7). */
const THREAD_FIELDS = ["subject", "issuer", "target", "scope"];

/** A record as its place in the thread is looked at. `isWhole`: nothing of it was left out or erased. */
type Entry = { digest: string; fields: Map<string, Json>; isWhole: boolean };

/**
 * Checks every record of a thread like a single receipt, and that none is missing before, between or out of its order. Whether newer ones were left
 * out at the end no history can tell.
 * @throws {InvalidPinError}
 */
export async function verifyHistory({
  history,
  notProven = [],
  ...options
}: VerifyHistoryInput): Promise<HistoryVerification> {
  const records: Verification[] = [];
  // One after the other: a node that limits its callers would make long histories uncheckable.
  for (const content of history) records.push(await verifyReceipt({ ...content, ...options }));
  const thread = checkThread(history.map(entryOf));
  const { verdict, reasons } = conclude({
    receipt: null,
    checks: [...records.flatMap(({ checks }) => checks), ...thread],
    finality: null,
    warnings: [],
  });
  return { verdict, reasons, thread, records, notProven };
}

function checkThread(entries: (Entry | null)[]): Check[] {
  const [first] = entries;
  if (first === undefined) return [failed("start", "notAReceipt", "records", "no record at all")];
  const read = entries.filter((entry) => entry !== null);
  if (first === null || read.length < entries.length)
    return (["start", "links", "thread"] as const).map((name) => unchecked(name, "notReached"));
  return [checkStart(first), checkLinks(read), checkSameThread(read)];
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
    const values = entries.map(({ fields }) => fields.get(name)).filter((value) => value !== undefined);
    const other = values.find((value) => value !== values[0]);
    if (other !== undefined)
      return failed("thread", "threadMixed", `${name} = ${JSON.stringify(values[0])}`, JSON.stringify(other));
  }
  return passed("thread");
}

/** Null for what is no record; its own verification says why. */
function entryOf({ record }: FileContent): Entry | null {
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
