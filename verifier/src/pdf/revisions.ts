import { readSections, type Section } from "./crossReference.ts";
import { readFileEnd } from "./fileEnd.ts";
import type { PdfFile } from "./indirectObject.ts";
import { PdfRevision } from "./pdfRevision.ts";
import { PdfScanner } from "./pdfScanner.ts";
import { UnreadablePdfError } from "./unreadablePdfError.ts";

/**
 * The file as it stands, and as it stood before each of its incremental updates (ISO 32000-2
 * §7.5.6), newest first.
 * @throws {UnreadablePdfError} also when the file is encrypted.
 */
export async function readRevisions(file: PdfFile): Promise<[PdfRevision, ...PdfRevision[]]> {
  const end = readFileEnd(file.bytes);
  const sections = await readSections(file, end.sectionOffset);
  if (sections.some(({ trailer }) => (trailer.entries.get("Encrypt") ?? null) !== null))
    throw new UnreadablePdfError(
      "The PDF is encrypted: save its attachment receipt.json with a PDF viewer, and check that file.",
    );
  const [newest = 0, ...older] = firstSections(sections);
  const own = sections.slice(newest, older[0]);
  if (!own.some((section) => isFollowedBy(file, section, end.position)))
    throw new UnreadablePdfError(
      "Something is appended to the PDF that does not belong to it, such as another PDF: get the file again from whoever issued it.",
    );
  const revision = (first: number) => new PdfRevision(file, sections.slice(first));
  return [revision(newest), ...older.map(revision)];
}

/**
 * Indexes of the sections with which revisions begin. An update stands behind the revision that it
 * updates. Both sections of a linearized file belong to one revision, and there the older one stands
 * behind (Annex F.3).
 */
function firstSections(sections: readonly Section[]): number[] {
  return sections.flatMap(({ start }, index) =>
    index === 0 || start < sections[index - 1]!.start ? [index] : [],
  );
}

function isFollowedBy({ bytes }: PdfFile, section: Section, position: number): boolean {
  const scanner = new PdfScanner(bytes.subarray(0, position), section.end);
  scanner.skipSpace();
  return scanner.position === position;
}
