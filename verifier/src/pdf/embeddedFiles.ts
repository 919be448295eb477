import type { PdfRevision } from "./pdfRevision.ts";
import { as, isText, type PdfDict, type PdfStream, type PdfString, type PdfValue } from "./pdfValue.ts";
import { damagedPdf } from "./unreadablePdfError.ts";

/**
 * The streams of all embedded files of that name, from the catalog's name tree and its associated
 * files (ISO 32000-2 §7.11.4, §14.13.3). A stream may come more than once.
 * @throws {UnreadablePdfError}
 */
export async function findEmbeddedFiles(revision: PdfRevision, fileName: string): Promise<PdfStream[]> {
  const catalog = await revision.catalog();
  const names = await revision.dict(catalog.entries.get("Names"));
  const streams: PdfStream[] = [];
  const add = async (specification: PdfDict | undefined, key?: PdfString) => {
    if (specification && isText((await nameOf(revision, specification)) ?? key, fileName))
      streams.push(...(await streamsOf(revision, specification)));
  };
  for await (const { key, value } of leavesOf(revision, names?.entries.get("EmbeddedFiles")))
    await add(await revision.dict(value), key);
  for (const value of await revision.items(catalog.entries.get("AF"))) await add(await revision.dict(value));
  return streams;
}

/** The pairs of a name tree (§7.9.6). In a circle, the revision's budget ends it. */
async function* leavesOf(revision: PdfRevision, root: PdfValue | undefined) {
  const nodes: PdfValue[] = [root ?? null];
  while (nodes.length > 0) {
    const node = await revision.dict(nodes.pop());
    for (const kid of await revision.items(node?.entries.get("Kids"))) nodes.push(kid);
    const pairs = await revision.items(node?.entries.get("Names"));
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      yield { key: as("string", await revision.resolve(pairs[index])), value: pairs[index + 1] };
    }
  }
}

/** The name of a file specification; the one for all platforms comes first (§7.11.3). */
async function nameOf(revision: PdfRevision, { entries }: PdfDict): Promise<PdfString | undefined> {
  for (const key of ["UF", "F"]) {
    const name = as("string", await revision.resolve(entries.get(key)));
    if (name) return name;
  }
  return undefined;
}

async function streamsOf(revision: PdfRevision, specification: PdfDict): Promise<PdfStream[]> {
  const files = await revision.dict(specification.entries.get("EF"));
  const streams: PdfStream[] = [];
  for (const key of ["UF", "F"]) {
    const value = await revision.resolve(files?.entries.get(key));
    const stream = as("stream", value);
    if (value !== null && !stream) throw damagedPdf("An attachment has no content");
    if (stream) streams.push(stream);
  }
  return streams;
}
