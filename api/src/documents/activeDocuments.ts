import { createHash } from "node:crypto";
import type { Caller } from "../accounts/scope.ts";
import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { textUrlOf } from "./describeVersion.ts";

/** The active version as it is answered (HE-6). */
export type ActiveDocument = {
  /** Strong, with its quotes: SHA-256 of the JSON text. */
  etag: string;
  json: string;
};

/** The caller was read before somebody's access changed: who it is now must be asked first. */
export const STALE = Symbol("stale");

export type FindActiveDocument = (wanted: {
  caller: Pick<Caller, "tenantId" | "apiKeyId" | "accessVersion">;
  slug: string;
  /** As `canonicalLanguage` spells it. */
  language: string;
}) => Promise<ActiveDocument | null | typeof STALE>;

type Wanted = Parameters<FindActiveDocument>[0];

type Row = {
  access_version: string;
  documents_version: string;
  /** Null in the one row that stands for no document at all. */
  tenant_id: string | null;
  id: string;
  slug: string;
  title: string;
  version: string;
  language: string;
  content: Buffer;
  text_sha256: Buffer;
  published_at: Date;
  effective_at: Date;
};

// Both versions and the documents come from one snapshot; the versions also when there is no document to find.
const FIND = `
  SELECT access.version AS access_version, state.version AS documents_version, active.*
  FROM app.access_version access CROSS JOIN app.documents_state state
  LEFT JOIN (
    SELECT d.tenant_id, v.id, d.slug, d.title, v.version, v.language, v.content, v.text_sha256, v.published_at,
           coalesce(v.effective_at, v.published_at) AS effective_at
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (tenant_id, slug, language)
    JOIN app.documents d ON d.tenant_id = wanted.tenant_id AND d.slug = wanted.slug
    JOIN app.document_versions v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
                                AND v.language = wanted.language AND v.status = 'active'
  ) active ON true`;

/** Of answers that one process remembers; when there are more, all are forgotten and read again as they come. */
const REMEMBERED_CHARACTERS_MAX = 64 * 1_048_576;

/**
 * Finds active versions for those who poll them. Answers are remembered, and what is remembered holds for one version of the
 * rows it was made of (see migration 0011): each group of calls that wait together asks for that version, and for the one that
 * callers were read under, in one round trip.
 */
export function createActiveDocuments({ pool }: Database, publicUrl: string): FindActiveDocument {
  const remembered = new Map<string, ActiveDocument>();
  let characters = 0;
  let version: string | null = null;

  function forget(): void {
    remembered.clear();
    characters = 0;
  }

  async function read(wanted: Wanted[]): Promise<{ accessVersion: string; holds: boolean }> {
    const { rows } = await pool.query<Row>({
      name: "find-active-documents",
      text: FIND,
      values: [
        arrayLiteral(wanted.map(({ caller }) => caller.tenantId)),
        wanted.map(({ slug }) => slug),
        wanted.map(({ language }) => language),
      ],
    });
    const { access_version: accessVersion, documents_version: now } = rows[0]!;
    const holds = now === version && characters <= REMEMBERED_CHARACTERS_MAX;
    if (!holds) forget();
    version = now;
    for (const row of rows) {
      if (row.tenant_id === null) continue;
      const active = describeActive(row, publicUrl);
      remembered.set(nameOf(row.tenant_id, row.slug, row.language), active);
      characters += active.json.length;
    }
    return { accessVersion, holds };
  }

  async function findGroup(group: Wanted[]): Promise<(ActiveDocument | null | typeof STALE)[]> {
    const distinct = new Map(group.map((wanted) => [wantedName(wanted), wanted]));
    const unknown = [...distinct].filter(([name]) => !remembered.has(name)).map(([, wanted]) => wanted);
    let answer = await read(unknown);
    if (!answer.holds && unknown.length < distinct.size) answer = await read([...distinct.values()]);
    const isCurrent = ({ caller }: Wanted) =>
      caller.apiKeyId === null || caller.accessVersion === answer.accessVersion;
    return group.map((wanted) => (isCurrent(wanted) ? (remembered.get(wantedName(wanted)) ?? null) : STALE));
  }

  return groupCalls(findGroup, {
    weightMax: 1_000,
    // Texts may be large: few of those that must be read come in one round trip.
    weightOf: (wanted) => (remembered.has(wantedName(wanted)) ? 1 : 50),
    concurrencyMax: 1,
  });
}

function wantedName({ caller, slug, language }: Wanted): string {
  return nameOf(caller.tenantId, slug, language);
}

/** No two of the three can run into each other: UUIDs have one length, slugs and tags no blank. */
function nameOf(tenantId: string, slug: string, language: string): string {
  return `${tenantId} ${slug} ${language}`;
}

function describeActive(row: Row, publicUrl: string): ActiveDocument {
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
