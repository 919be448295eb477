import { setImmediate } from "node:timers/promises";
import type { ConsentEvent } from "#protocol/consentReceipts/consentEvent.ts";
import type { Database } from "../db/client.ts";
import { InvalidInputError } from "../errors.ts";
import { storedEvent } from "./event.ts";
import { EVENTS_READ_MAX, findEvent, findEventsOfSubject, type StoredEvent } from "./findEvents.ts";
import type { SearchInput } from "./wire.ts";

/** `next`: id of the event after which older ones are still to be looked for; null at the end. */
export type FoundEvents = { events: ConsentEvent[]; next: string | null };

/** Opening a record takes tens of microseconds; other requests go on between so many. */
const OPENED_AT_ONCE = 50;

/**
 * Events of a subject, the newest first; with `current` the newest of each scope (SG-6). Where an event came from (`source`) only its record tells,
 * so a page of one source may hold fewer than asked for, and more may follow.
 * @throws {InvalidInputError} when `after` is no event of the tenant's.
 */
export async function searchEvents(
  db: Database,
  tenantId: string,
  { source, after, ...input }: SearchInput,
): Promise<FoundEvents> {
  const olderThan = after === undefined ? null : await idOfEvent(db, tenantId, after);
  if (source !== undefined && input.current) return currentOfSource(db, tenantId, { ...input, source });
  const stored = await findEventsOfSubject(db, tenantId, { ...input, olderThan });
  const events = await openEvents(stored);
  const last = stored.length < input.limit ? undefined : events.at(-1);
  const ofSource = source === undefined ? events : events.filter((event) => event.source === source);
  return { events: ofSource, next: last?.id ?? null };
}

/** The newest of each scope among those from one source, in one page: to find them, all have to be read. */
async function currentOfSource(
  db: Database,
  tenantId: string,
  { source, ...query }: Omit<SearchInput, "after">,
): Promise<FoundEvents> {
  const newest = new Map<string, ConsentEvent>();
  let olderThan: string | null = null;
  for (;;) {
    const page = { ...query, current: false, limit: EVENTS_READ_MAX, olderThan };
    const stored: StoredEvent[] = await findEventsOfSubject(db, tenantId, page);
    for (const event of await openEvents(stored))
      if (event.source === source && !newest.has(event.scope)) newest.set(event.scope, event);
    if (stored.length < EVENTS_READ_MAX) return { events: [...newest.values()], next: null };
    olderThan = stored.at(-1)!.id;
  }
}

async function openEvents(stored: StoredEvent[]): Promise<ConsentEvent[]> {
  const events: ConsentEvent[] = [];
  for (const one of stored) {
    if (events.length % OPENED_AT_ONCE === OPENED_AT_ONCE - 1) await setImmediate();
    events.push(storedEvent(one));
  }
  return events;
}

async function idOfEvent(db: Database, tenantId: string, after: string): Promise<string> {
  const event = await findEvent(db, tenantId, after);
  if (event === null) throw new InvalidInputError("after must be the id of an event", { member: "after" });
  return event.id;
}
