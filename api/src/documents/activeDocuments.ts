import { createHash } from "node:crypto";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { matchesEtag } from "../http/etag.ts";
import type { Context } from "../verb.ts";
import { textUrlOf } from "./describeVersion.ts";
import {
  type ActiveRow,
  type DocumentName,
  readActiveDocuments,
  type Versions,
} from "./readActiveDocuments.ts";

/** The active version as it is answered (HE-6). */
export type ActiveDocument = {
  /** Strong, with its quotes: SHA-256 of the JSON text. */
  etag: string;
  json: string;
  /** Whether the caller has it already. */
  isKnown: boolean;
};

/** The caller was read before somebody's access changed: who it is now must be asked first. */
export const STALE = Symbol("stale");

export type FindActiveDocument = (poll: {
  ctx: Omit<Context, "db">;
  slug: string;
  /** As `canonicalLanguage` spells it. */
  language: string;
  ifNoneMatch: string | undefined;
}) => Promise<ActiveDocument | null | typeof STALE>;

type Poll = Parameters<FindActiveDocument>[0];
type Remembered = Omit<ActiveDocument, "isKnown">;

/** Of answers that one process remembers; when there are more, all are forgotten and read again as they come. */
const REMEMBERED_CHARACTERS_MAX = 64 * 1_048_576;
/** Texts may be large: few of those that must be read come in one round trip. */
const UNKNOWN_WEIGHT = 50;

/**
 * Finds active versions for those who poll them. Answers are remembered, and what is remembered holds for one version of the
 * rows it was made of (see migration 0011): each group of calls that wait together asks for that version, and for the one that
 * callers were read under, in one round trip.
 */
export function createActiveDocuments(db: Database, publicUrl: string): FindActiveDocument {
  const remembered = new Map<string, Remembered>();
  let characters = 0;
  let documentsVersion: string | null = null;

  /** Answers whether what was remembered still holds, and the version of access. */
  async function read(wanted: DocumentName[], polls: Poll[]): Promise<{ holds: boolean; access: string }> {
    const assumed = assumedVersions(polls);
    const foreseen = assumed === null ? [] : foresee(polls, assumed);
    const { versions, rows } = await readActiveDocuments(db, wanted, assumed, foreseen);
    const holds = versions.documents === documentsVersion && characters <= REMEMBERED_CHARACTERS_MAX;
    if (!holds) {
      remembered.clear();
      characters = 0;
    }
    documentsVersion = versions.documents;
    for (const row of rows) {
      const active = describeActive(row, publicUrl);
      remembered.set(nameOf(row), active);
      characters += active.json.length;
    }
    return { holds, access: versions.access };
  }

  /** Null before anything is remembered, and when all callers are accounts, which have no version of access. */
  function assumedVersions(polls: Poll[]): Versions | null {
    const byKey = polls.find(({ ctx }) => ctx.caller.apiKeyId !== null);
    if (documentsVersion === null || byKey === undefined) return null;
    return { access: byKey.ctx.caller.accessVersion, documents: documentsVersion };
  }

  /** Calls that get what is remembered, if what is assumed holds. */
  function foresee(polls: Poll[], assumed: Versions) {
    return polls.flatMap((poll) => {
      const { ctx, ifNoneMatch } = poll;
      const active = remembered.get(nameOf(documentOf(poll)));
      if (active === undefined || ctx.caller.accessVersion !== assumed.access) return [];
      return [{ ctx, statusCode: matchesEtag(ifNoneMatch, active.etag) ? 304 : 200 }];
    });
  }

  async function findGroup(polls: Poll[]): Promise<(ActiveDocument | null | typeof STALE)[]> {
    const documents = polls.map(documentOf);
    const distinct = new Map(documents.map((document) => [nameOf(document), document]));
    const unknown = [...distinct].filter(([name]) => !remembered.has(name)).map(([, document]) => document);
    let answer = await read(unknown, polls);
    if (!answer.holds && unknown.length < distinct.size) answer = await read([...distinct.values()], polls);
    return polls.map(({ ctx: { caller }, ifNoneMatch }, place) => {
      if (caller.apiKeyId !== null && caller.accessVersion !== answer.access) return STALE;
      const active = remembered.get(nameOf(documents[place]!));
      return active ? { ...active, isKnown: matchesEtag(ifNoneMatch, active.etag) } : null;
    });
  }

  return groupCalls(findGroup, {
    weightMax: 1_000,
    weightOf: (poll) => (remembered.has(nameOf(documentOf(poll))) ? 1 : UNKNOWN_WEIGHT),
    concurrencyMax: 1,
  });
}

function documentOf({ ctx, slug, language }: Poll): DocumentName {
  return { tenantId: ctx.caller.tenantId, slug, language };
}

/** No two of the three can run into each other: UUIDs have one length, slugs and tags no blank. */
function nameOf({ tenantId, slug, language }: DocumentName): string {
  return `${tenantId} ${slug} ${language}`;
}

function describeActive(row: ActiveRow, publicUrl: string): Remembered {
  const data = {
    id: row.id,
    slug: row.slug,
    version: row.version,
    title: row.title,
    language: row.language,
    text: row.content.toString("utf8"),
    text_sha256: row.text_sha256.toString("hex"),
    url: textUrlOf(publicUrl, row.id),
    published_at: row.published_at,
    effective_at: row.effective_at,
  };
  const json = JSON.stringify({ data });
  return { json, etag: `"${createHash("sha256").update(json).digest("hex")}"` };
}
