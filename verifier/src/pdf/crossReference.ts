import { decodeStream } from "./decodeStream.ts";
import { type PdfFile, readIndirectObject } from "./indirectObject.ts";
import { PdfScanner } from "./pdfScanner.ts";
import { as, asCount, isName, type PdfDict, type PdfValue } from "./pdfValue.ts";
import { damagedPdf, UnreadablePdfError } from "./unreadablePdfError.ts";

/** A proof has a few hundred objects. */
const ENTRIES_MAX = 250_000;
/** Every incremental update adds a section. */
const SECTIONS_MAX = 100;
/** Wide enough for the largest offset; bytes. */
const FIELD_BYTES_MAX = 6;

/** Where an object is. `container` is the number of an object stream, `index` a place in it. */
export type Entry =
  | { kind: "free" }
  | { kind: "inFile"; offset: number; generation: number }
  | { kind: "packed"; container: number; index: number };

/** A cross-reference section and its trailer. It takes the bytes from `start` up to `end`. */
export type Section = { start: number; end: number; entries: Map<number, Entry>; trailer: PdfDict };

/**
 * The sections from the one at `offset` back to the oldest (ISO 32000-2 §7.5.4, §7.5.8).
 * @throws {UnreadablePdfError}
 */
export async function readSections(file: PdfFile, offset: number): Promise<Section[]> {
  const sections: Section[] = [];
  let entries = 0;
  for (let next: number | undefined = offset; next !== undefined; ) {
    const section = await readSection(file, next);
    entries += section.entries.size;
    if (sections.some(({ start }) => start === section.start))
      throw damagedPdf("Its cross-reference sections run in a circle");
    if (sections.push(section) > SECTIONS_MAX || entries > ENTRIES_MAX) throw tooLarge();
    const previous = section.trailer.entries.get("Prev");
    next = asCount(previous);
    if (next === undefined && previous !== undefined) throw misplaced();
  }
  return sections;
}

async function readSection(file: PdfFile, start: number): Promise<Section> {
  if (start >= file.bytes.length) throw misplaced();
  const scanner = new PdfScanner(file.bytes, start);
  if (!scanner.takeKeyword("xref")) return readStreamSection(file, start);
  const entries = takeTable(scanner);
  const trailer = as("dict", scanner.takeValue());
  file.budget.spend(scanner.position - start);
  if (!trailer) throw misplaced();
  const hidden = trailer.entries.get("XRefStm");
  if (hidden !== undefined) addHidden(entries, await readStreamSection(file, asCount(hidden) ?? -1));
  return { start, end: scanner.position, entries, trailer };
}

/** Entries up to and with the keyword `trailer`. */
function takeTable(scanner: PdfScanner): Section["entries"] {
  const entries: Section["entries"] = new Map();
  while (!scanner.takeKeyword("trailer")) {
    const [first, count] = [scanner.takeInteger(), scanner.takeInteger()];
    if (first === undefined || count === undefined) throw misplaced();
    for (let index = 0; index < count; index++) add(entries, first + index, takeEntry(scanner));
  }
  return entries;
}

function takeEntry(scanner: PdfScanner): Entry {
  const [offset, generation] = [scanner.takeInteger(), scanner.takeInteger()];
  if (offset === undefined || generation === undefined) throw misplaced();
  if (scanner.takeKeyword("n")) return { kind: "inFile", offset, generation };
  if (scanner.takeKeyword("f")) return { kind: "free" };
  throw misplaced();
}

function add(entries: Section["entries"], number: number, entry: Entry): void {
  if (entries.has(number)) throw damagedPdf("An object has two places");
  if (entries.size >= ENTRIES_MAX) throw tooLarge();
  entries.set(number, entry);
}

/** A hybrid file's table calls free what only its cross-reference stream tells (§7.5.8.4). */
function addHidden(entries: Section["entries"], section: Section): void {
  for (const [number, entry] of section.entries)
    if ((entries.get(number)?.kind ?? "free") === "free") entries.set(number, entry);
}

async function readStreamSection(file: PdfFile, start: number): Promise<Section> {
  if (start < 0 || start >= file.bytes.length) throw misplaced();
  const { value, end } = await readIndirectObject(file, start, resolveDirect);
  const stream = as("stream", value);
  if (!stream || !isName(stream.dict.entries.get("Type"), "XRef")) throw misplaced();
  const onBytes = (bytes: number) => file.budget.spend(bytes);
  const rows = await decodeStream(stream, { onBytes, resolve: resolveDirect });
  return { start, end, entries: readRows(rows, stream.dict), trailer: stream.dict };
}

/** Nothing can be looked up before this has been read: all its values are direct (§7.5.8.2). */
async function resolveDirect(value: PdfValue = null): Promise<PdfValue> {
  if (as("ref", value)) throw misplaced();
  return value;
}

function readRows(rows: Uint8Array, dict: PdfDict): Section["entries"] {
  const widths = countsOf(dict.entries.get("W"));
  const rowBytes = widths.reduce((sum, width) => sum + width, 0);
  if (widths.length !== 3 || rowBytes === 0 || widths.some((width) => width > FIELD_BYTES_MAX))
    throw misplaced();
  const index = countsOf(
    dict.entries.get("Index") ?? { kind: "array", items: [0, dict.entries.get("Size") ?? null] },
  );
  const entries: Section["entries"] = new Map();
  let position = 0;
  for (let pair = 0; pair < index.length; pair += 2) {
    const [first, count] = [index[pair]!, index[pair + 1] ?? 0];
    for (let row = 0; row < count; row++, position += rowBytes) {
      if (position + rowBytes > rows.length) throw misplaced();
      add(entries, first + row, readRow(rows.subarray(position, position + rowBytes), widths));
    }
  }
  return entries;
}

/** §7.5.8.3. A row of a type that is not known yet refers to nothing. */
function readRow(row: Uint8Array, widths: readonly number[]): Entry {
  const [typeBytes, secondBytes] = [widths[0]!, widths[1]!];
  const type = typeBytes === 0 ? 1 : bigEndian(row.subarray(0, typeBytes));
  const second = bigEndian(row.subarray(typeBytes, typeBytes + secondBytes));
  const third = bigEndian(row.subarray(typeBytes + secondBytes));
  if (type === 1) return { kind: "inFile", offset: second, generation: third };
  if (type === 2) return { kind: "packed", container: second, index: third };
  return { kind: "free" };
}

function bigEndian(bytes: Uint8Array): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

function countsOf(value: PdfValue | undefined): number[] {
  const counts = as("array", value)?.items.map(asCount);
  if (!counts?.every((count) => count !== undefined)) throw misplaced();
  return counts;
}

function misplaced(): UnreadablePdfError {
  return damagedPdf("The list of its objects cannot be read");
}

function tooLarge(): UnreadablePdfError {
  return new UnreadablePdfError(
    "The PDF has far more objects than a proof has: get it again from whoever issued it.",
  );
}
