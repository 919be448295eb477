import type { Entry, Section } from "./crossReference.ts";
import { decodeStream } from "./decodeStream.ts";
import { type PdfFile, readIndirectObject } from "./indirectObject.ts";
import { PdfScanner } from "./pdfScanner.ts";
import { as, asCount, isName, type PdfDict, type PdfStream, type PdfValue } from "./pdfValue.ts";
import { damagedPdf } from "./unreadablePdfError.ts";

type ObjectStream = { bytes: Uint8Array; places: { number: number; offset: number }[] };

/** A file as it was when one of its revisions was saved. Methods throw UnreadablePdfError. */
export class PdfRevision {
  readonly #file: PdfFile;
  readonly #sections: readonly Section[];
  readonly #objects = new Map<number, PdfValue>();
  readonly #objectStreams = new Map<number, ObjectStream>();
  /** Objects that are being read: whoever needs one of them to read it never ends. */
  readonly #open = new Set<number>();

  /** @param sections the revision's own and all older ones, newest first. */
  constructor(file: PdfFile, sections: readonly Section[]) {
    this.#file = file;
    this.#sections = sections;
  }

  /** The document catalog (ISO 32000-2 §7.7.2). */
  async catalog(): Promise<PdfDict> {
    const trailer = this.#sections.find(({ trailer }) => trailer.entries.has("Root"))?.trailer;
    const catalog = await this.dict(trailer?.entries.get("Root"));
    if (!catalog) throw damagedPdf("It has no document catalog");
    return catalog;
  }

  /** The value itself, or the object that it refers to; null when there is none. */
  async resolve(value: PdfValue | undefined): Promise<PdfValue> {
    const reference = as("ref", value);
    if (!reference) return value ?? null;
    this.#file.budget.spendSteps(1);
    const entry = this.#entryOf(reference.number);
    const generation = entry.kind === "inFile" ? entry.generation : 0;
    return entry.kind === "free" || generation !== reference.generation
      ? null
      : this.#object(reference.number, entry);
  }

  async dict(value: PdfValue | undefined): Promise<PdfDict | undefined> {
    return as("dict", await this.resolve(value));
  }

  async items(value: PdfValue | undefined): Promise<readonly PdfValue[]> {
    const { items } = as("array", await this.resolve(value)) ?? { items: [] };
    this.#file.budget.spendSteps(items.length);
    return items;
  }

  /** The data of a stream. @param onBytes see decodeStream. */
  decode(stream: PdfStream, onBytes: (bytes: number) => void = () => undefined): Promise<Uint8Array> {
    const spend = (bytes: number) => {
      this.#file.budget.spend(bytes);
      onBytes(bytes);
    };
    return decodeStream(stream, { onBytes: spend, resolve: (value) => this.resolve(value) });
  }

  #entryOf(number: number): Entry {
    for (const { entries } of this.#sections) {
      const entry = entries.get(number);
      if (entry) return entry;
    }
    return { kind: "free" };
  }

  async #object(number: number, entry: Exclude<Entry, { kind: "free" }>): Promise<PdfValue> {
    const known = this.#objects.get(number);
    if (known !== undefined) return known;
    if (this.#open.has(number)) throw damagedPdf("Its objects refer to each other in a circle");
    this.#open.add(number);
    const value =
      entry.kind === "inFile" ? await this.#read(number, entry) : await this.#unpack(number, entry);
    this.#open.delete(number);
    if (as("ref", value)) throw damagedPdf("An object is only a reference");
    this.#objects.set(number, value);
    return value;
  }

  async #read(number: number, entry: Extract<Entry, { kind: "inFile" }>): Promise<PdfValue> {
    const object = await readIndirectObject(this.#file, entry.offset, (value) => this.resolve(value));
    if (object.number !== number || object.generation !== entry.generation)
      throw damagedPdf("An object is not where it should be");
    return object.value;
  }

  /** §7.5.7 */
  async #unpack(number: number, { container, index }: Extract<Entry, { kind: "packed" }>): Promise<PdfValue> {
    const { bytes, places } = await this.#objectStream(container);
    const place = places[index];
    if (place?.number !== number) throw damagedPdf("An object is not where it should be");
    const scanner = new PdfScanner(bytes, place.offset, false);
    const value = scanner.takeValue();
    this.#file.budget.spend(scanner.position - place.offset);
    return value;
  }

  async #objectStream(number: number): Promise<ObjectStream> {
    const known = this.#objectStreams.get(number);
    if (known) return known;
    const entry = this.#entryOf(number);
    const stream = entry.kind === "inFile" && as("stream", await this.#object(number, entry));
    if (!stream || !isName(stream.dict.entries.get("Type"), "ObjStm"))
      throw damagedPdf("An object stream is missing");
    const objectStream = await this.#openObjectStream(stream);
    this.#objectStreams.set(number, objectStream);
    return objectStream;
  }

  async #openObjectStream(stream: PdfStream): Promise<ObjectStream> {
    const count = asCount(await this.resolve(stream.dict.entries.get("N")));
    const first = asCount(await this.resolve(stream.dict.entries.get("First")));
    if (count === undefined || first === undefined) throw damagedPdf("An object stream cannot be read");
    const bytes = await this.decode(stream);
    const scanner = new PdfScanner(bytes, 0, false);
    const places: ObjectStream["places"] = [];
    while (places.length < count) {
      const [number, offset] = [scanner.takeInteger(), scanner.takeInteger()];
      if (number === undefined || offset === undefined) throw damagedPdf("An object stream cannot be read");
      places.push({ number, offset: first + offset });
    }
    return { bytes, places };
  }
}
