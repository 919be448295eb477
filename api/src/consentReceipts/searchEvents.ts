import type { Database } from "../db/client.ts";
import { type ConsentEvent, storedEvent } from "./event.ts";
import { findEventsOfSubject } from "./findEvents.ts";
import type { SearchInput } from "./wire.ts";

/** Events of a subject, the newest first; with `current` the newest of each scope (SG-6). */
export async function searchEvents(
  db: Database,
  tenantId: string,
  input: SearchInput,
): Promise<ConsentEvent[]> {
  const found = (await findEventsOfSubject(db, tenantId, input)).map(storedEvent);
  const fromSource =
    input.source === undefined ? found : found.filter(({ source }) => source === input.source);
  if (!input.current) return fromSource;
  const newest = new Map<string, ConsentEvent>();
  for (const event of fromSource) if (!newest.has(event.scope)) newest.set(event.scope, event);
  return [...newest.values()];
}
