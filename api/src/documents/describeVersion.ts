import type { DocumentVersion } from "./findDocumentVersion.ts";

/** Where everybody who knows it finds a version's text: its id is 122 random bits. */
export function textUrlOf(publicUrl: string, versionId: string): string {
  return `${publicUrl}/documents/${versionId}`;
}

/** A version as the answers have it. */
export function describeVersion(version: DocumentVersion, publicUrl: string) {
  return {
    id: version.id,
    number: version.number,
    slug: version.slug,
    version: version.version,
    language: version.language,
    text_sha256: Buffer.from(version.textSha256).toString("hex"),
    url: textUrlOf(publicUrl, version.id),
    status: version.status,
    created_at: version.createdAt,
    published_at: version.publishedAt,
    effective_at: version.effectiveAt,
    retired_at: version.retiredAt,
  };
}
