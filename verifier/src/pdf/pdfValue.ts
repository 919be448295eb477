/** A direct object (ISO 32000-2 §7.3). */
export type PdfValue =
  | null
  | boolean
  | number
  | PdfName
  | PdfString
  | PdfArray
  | PdfDict
  | PdfStream
  | PdfRef;

/** `name` stands without its slash, one character a byte. */
export type PdfName = { kind: "name"; name: string };
/** `place` is where it stands in the file, delimiters included; null inside an object stream. */
export type PdfString = { kind: "string"; bytes: Uint8Array; place: { start: number; end: number } | null };
export type PdfArray = { kind: "array"; items: PdfValue[] };
export type PdfDict = { kind: "dict"; entries: Map<string, PdfValue> };
/** `data` as it stands in the file: still encoded by the filters that `dict` names. */
export type PdfStream = { kind: "stream"; dict: PdfDict; data: Uint8Array };
export type PdfRef = { kind: "ref"; number: number; generation: number };

type Kinds = { [Kind in Structured["kind"]]: Extract<Structured, { kind: Kind }> };
type Structured = Exclude<PdfValue, null | boolean | number>;

/** The value when it is of that kind, else undefined. */
export function as<Kind extends keyof Kinds>(
  kind: Kind,
  value: PdfValue | undefined,
): Kinds[Kind] | undefined {
  if (typeof value !== "object" || value === null || value.kind !== kind) return undefined;
  return value as Kinds[Kind];
}

export function isName(value: PdfValue | undefined, name: string): boolean {
  return as("name", value)?.name === name;
}

/** The value when it is a whole number that is not negative, else undefined. */
export function asCount(value: PdfValue | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Whether a text string says that. Long ones are not decoded: many could name one. */
export function isText(value: PdfString | undefined, text: string): boolean {
  return value !== undefined && value.bytes.length <= 4 * text.length && textOf(value) === text;
}

/** A text string (§7.9.2.2). Beyond ASCII, PDFDocEncoding is read as Latin-1. */
export function textOf({ bytes }: PdfString): string {
  const [first, second, third] = bytes;
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  if (first === 0xef && second === 0xbb && third === 0xbf) return new TextDecoder().decode(bytes);
  return new TextDecoder("latin1").decode(bytes);
}
