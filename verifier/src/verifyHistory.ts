import {
  HISTORY_STATEMENT_TYPE,
  type HistoryStatement,
  parseHistoryStatement,
} from "#protocol/consentReceipts/historyStatement.ts";
import { checkThread, type Entry, entryOf } from "./checkThread.ts";
import { withDemands } from "./demands.ts";
import { checkJwt, type Jwt } from "./jwt.ts";
import { normalizePins } from "./pins.ts";
import type { FileContent } from "./receiptFile.ts";
import { rememberingRpc, rpcOf } from "./rpc.ts";
import {
  type Check,
  conclude,
  failed,
  passed,
  type Statement,
  unchecked,
  type Verification,
} from "./verification.ts";
import { TIMEOUT_MS, type VerifyReceiptInput, verifyReceipt } from "./verifyReceipt.ts";

export type VerifyHistoryInput = Omit<
  VerifyReceiptInput,
  "receipt" | "record" | "claims" | "jwt" | "origin" | "pdf"
> & {
  /** The oldest record first, as contentOfFile answers it. */
  history: readonly FileContent[];
  /** What the service has signed of it. */
  statement?: Jwt | undefined;
  /** What stands around the records, to be named in the answer. */
  notProven?: Statement[];
};

/** Plain JSON all through. Verdict and reasons follow from the thread's checks and the records' verdicts. */
export type HistoryVerification = Pick<Verification, "verdict" | "reasons" | "notPinned" | "notProven"> & {
  /** Of what holds the records together, and of the statement that they are all. */
  thread: Check[];
  /** Null when there is none that can be read. Only with `jwtKey` pinned it is more than the file's own word. */
  statement: HistoryStatement | null;
  records: Verification[];
};

/**
 * Checks every record of a thread like a single receipt; that none is missing before, between or out of its order; and that the service states
 * that there are these and no more.
 * @throws {InvalidPinError}
 */
export async function verifyHistory({
  history,
  statement,
  notProven = [],
  ...options
}: VerifyHistoryInput): Promise<HistoryVerification> {
  const { jwtKey, ...pins } = normalizePins(options.pins ?? {});
  const rpc = rememberingRpc(rpcOf(options.rpc, options.timeoutMs ?? TIMEOUT_MS));
  const entries = history.map(entryOf);
  const stated = statement === undefined ? null : parseHistoryStatement(statement.payload);
  const signature = await checkJwt(statement, jwtKey, {
    typ: HISTORY_STATEMENT_TYPE,
    signedAtS: stated?.iat,
  });
  const thread = [
    ...checkThread(entries),
    checkStated(statement, stated, entries),
    ...withDemands(statement === undefined ? [] : signature, null, options),
  ];
  const records: Verification[] = [];
  // One after the other: a node that limits its callers would make long histories uncheckable.
  for (const content of history) records.push(await verifyReceipt({ ...content, ...options, rpc, pins }));
  thread.push(...checkOneRecorder(records));
  const { verdict, reasons, notPinned } = conclude({
    receipt: null,
    checks: [...records.flatMap(({ checks }) => checks), ...thread],
    finality: null,
    warnings: [],
  });
  return { verdict, reasons, notPinned, thread, statement: stated, records, notProven };
}

/** A thread belongs to one customer of the service. No check where it does. */
function checkOneRecorder(records: readonly Verification[]): Check[] {
  const tenants = new Set(records.flatMap(({ origin }) => origin?.tenant ?? []));
  if (tenants.size <= 1) return [];
  const [one, other] = tenants;
  return [failed("thread", "threadMixed", `customer ${one}`, `customer ${other}`)];
}

function checkStated(
  statement: Jwt | undefined,
  stated: HistoryStatement | null,
  entries: readonly (Entry | null)[],
): Check {
  if (statement === undefined) return unchecked("statement", "statementMissing");
  const last = entries.at(-1);
  if (stated === null) return failed("statement", "statementMismatch", "a statement", "other claims");
  if (last === undefined || last === null) return unchecked("statement", "notReached");
  if (stated.count === entries.length && stated.last === `sha256:${last.digest}`) return passed("statement");
  const claimed = `${stated.count} records, ${stated.last} the last`;
  return failed("statement", "statementMismatch", claimed, `${entries.length}, sha256:${last.digest}`);
}
