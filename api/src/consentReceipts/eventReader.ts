import type { Database } from "../db/client.ts";
import { findEvent, findEventsByToken } from "./findEvents.ts";
import { readStatistics } from "./readStatistics.ts";
import { type EventThread, readThread } from "./readThread.ts";
import { searchEvents } from "./searchEvents.ts";
import type { SearchInput } from "./wire.ts";

/** What the routes ask of a tenant's events. */
export function createEventReader(db: Database) {
  return {
    find: (tenantId: string, id: string) => findEvent(db, tenantId, id),
    findByToken: (tenantId: string, token: string) => findEventsByToken(db, tenantId, token),
    search: (tenantId: string, input: SearchInput) => searchEvents(db, tenantId, input),
    thread: (tenantId: string, of: EventThread, page: { offset: number; limit: number }) =>
      readThread(db, tenantId, of, page),
    statistics: (tenantId: string, time: { from: Date | null; to: Date | null }) =>
      readStatistics(db, tenantId, time),
  };
}
export type EventReader = ReturnType<typeof createEventReader>;
