import { type ConsentEvent, consentReceiptsUrl } from "#protocol/consentReceipts/consentEvent.ts";
import { HISTORY_STATEMENT_TYPE, type HistoryStatement } from "#protocol/consentReceipts/historyStatement.ts";
import { type ConsentDescription, proofHash } from "../consents/describeConsent.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import { storedEvent } from "./event.ts";
import type { EventReader } from "./eventReader.ts";
import type { StoredEvent } from "./findEvents.ts";
import { signJwt } from "./jwtReceipt.ts";
import type { EventThread, ReadThread } from "./readThread.ts";

export type HistoryDeps = {
  events: Pick<EventReader, "thread">;
  describeConsent: (tenantId: string, consent: StoredConsent) => Promise<ConsentDescription>;
  keys: ServiceKeys;
  publicUrl: string;
  clock: () => Date;
};

type HistoryRecord = Pick<ConsentDescription, "record" | "disclosures" | "origin" | "receipt"> & {
  event: ConsentEvent;
  _sd: string[];
};
export type History = { total: number; statement: string | null; records: HistoryRecord[] };

/** So that a long history does not take the database's connections from everybody else. */
const DESCRIBED_AT_ONCE = 4;

/** A thread, or a page of it, with its proofs, and a statement of the service that the thread holds these records and no other. */
export async function describeHistory(
  deps: HistoryDeps,
  tenantId: string,
  query: EventThread & { offset: number; limit: number },
): Promise<History> {
  const asOf = deps.clock();
  const thread = await deps.events.thread(tenantId, query, query);
  if (thread === null) return { total: 0, statement: null, records: [] };
  const statement = await signStatement(deps, thread, asOf);
  const records: HistoryRecord[] = [];
  for (let from = 0; from < thread.events.length; from += DESCRIBED_AT_ONCE) {
    const some = thread.events.slice(from, from + DESCRIBED_AT_ONCE);
    records.push(...(await Promise.all(some.map((stored) => describe(deps, tenantId, stored)))));
  }
  return { total: thread.count, statement, records };
}

async function describe(
  { describeConsent }: HistoryDeps,
  tenantId: string,
  stored: StoredEvent,
): Promise<HistoryRecord> {
  const { record, disclosures, sd, origin, receipt } = await describeConsent(tenantId, stored);
  return { event: storedEvent(stored), record, disclosures, _sd: sd, origin, receipt };
}

async function signStatement(
  { keys, publicUrl }: HistoryDeps,
  { count, lastDigest }: NonNullable<ReadThread>,
  asOf: Date,
): Promise<string> {
  const claims: HistoryStatement = {
    iss: consentReceiptsUrl(publicUrl),
    iat: Math.floor(asOf.getTime() / 1_000),
    count,
    last: proofHash(lastDigest),
  };
  return signJwt(claims, await keys.current(), HISTORY_STATEMENT_TYPE);
}
