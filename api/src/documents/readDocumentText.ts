import type { Database } from "../db/client.ts";
import { documentVersions } from "../db/documents.ts";
import { eq } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";

/** SHA-256 of a version's text, by the id that whoever asks must know. @throws {NotFoundError} */
export async function getTextSha256({ orm }: Database, versionId: string): Promise<Uint8Array> {
  const [version] = await orm
    .select({ textSha256: documentVersions.textSha256 })
    .from(documentVersions)
    .where(eq(documentVersions.id, versionId));
  if (version === undefined) throw new NotFoundError("Document");
  return version.textSha256;
}

/** The exact bytes that were published. @throws {NotFoundError} */
export async function getTextBytes({ orm }: Database, versionId: string): Promise<Uint8Array> {
  const [version] = await orm
    .select({ content: documentVersions.content })
    .from(documentVersions)
    .where(eq(documentVersions.id, versionId));
  if (version === undefined) throw new NotFoundError("Document");
  return version.content;
}
