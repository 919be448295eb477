import { hexToBytes } from "#protocol/bytes.ts";
import type { PdfDict, PdfString, PdfValue } from "./pdfValue.ts";
import { damagedPdf } from "./unreadablePdfError.ts";

/** Proofs nest a handful of levels. The bound keeps a hostile file from filling the stack. */
const DEPTH_MAX = 100;

const WHITE_SPACE = new Set([0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20]);
const DELIMITERS = new Set(Array.from("()<>[]{}/%", (character) => character.charCodeAt(0)));
const [LF, CR, BACKSLASH] = [0x0a, 0x0d, 0x5c];
const ESCAPES = new Map(
  Object.entries({ n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, f: 0x0c }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
);

/**
 * Reads PDF syntax (ISO 32000-2 §7.2, §7.3) from `position` on. Every method may throw an
 * UnreadablePdfError.
 */
export class PdfScanner {
  readonly #bytes: Uint8Array;
  readonly #isFile: boolean;
  position: number;

  /** @param isFile whether positions in `bytes` are positions in the file. */
  constructor(bytes: Uint8Array, position: number, isFile = true) {
    this.#bytes = bytes;
    this.#isFile = isFile;
    this.position = position;
  }

  /** Skips white space and comments. */
  skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.position];
      if (byte === undefined) return;
      if (byte === 0x25) this.#skipLine();
      else if (WHITE_SPACE.has(byte)) this.position++;
      else return;
    }
  }

  /** Whether the next token is `keyword`, which is then skipped. */
  takeKeyword(keyword: string): boolean {
    this.skipSpace();
    const start = this.position;
    if (this.#takeRegular() === keyword) return true;
    this.position = start;
    return false;
  }

  /** The next token when it is an unsigned integer, which is then skipped. */
  takeInteger(): number | undefined {
    this.skipSpace();
    const start = this.position;
    const token = this.#takeRegular();
    if (/^\d{1,15}$/.test(token)) return Number(token);
    this.position = start;
    return undefined;
  }

  /** Skips the end of the line after the keyword `stream` (§7.3.8.1). */
  skipStreamLineEnd(): void {
    if (this.#bytes[this.position] === CR) this.position++;
    if (this.#bytes[this.position] === LF) this.position++;
  }

  takeValue(depth = 0): PdfValue {
    if (depth > DEPTH_MAX) throw damagedPdf("Its objects are nested too deeply");
    this.skipSpace();
    const byte = this.#bytes[this.position];
    if (byte === 0x2f) return { kind: "name", name: this.#takeName() };
    if (byte === 0x28) return this.#takeString(() => this.#takeLiteral());
    if (byte === 0x5b) return { kind: "array", items: this.#takeItems(depth) };
    if (byte !== 0x3c) return this.#takeNumberOrKeyword();
    if (this.#bytes[this.position + 1] === 0x3c) return this.#takeDict(depth);
    return this.#takeString(() => this.#takeHex());
  }

  #skipLine(): void {
    for (; this.position < this.#bytes.length; this.position++) {
      const byte = this.#bytes[this.position]!;
      if (byte === LF || byte === CR) return;
    }
  }

  #takeRegular(): string {
    const start = this.position;
    for (; this.position < this.#bytes.length; this.position++) {
      const byte = this.#bytes[this.position]!;
      if (WHITE_SPACE.has(byte) || DELIMITERS.has(byte)) break;
    }
    return latin1(this.#bytes.subarray(start, this.position));
  }

  #takeName(): string {
    this.position++;
    return this.#takeRegular().replace(/#([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }

  #takeNumberOrKeyword(): PdfValue {
    const token = this.#takeRegular();
    if (token === "null") return null;
    if (token === "true" || token === "false") return token === "true";
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(token)) throw damagedPdf("It holds something that is no PDF object");
    return this.#takeRest(token) ?? Number(token);
  }

  /** The rest of `12 0 R`, of which `token` was the first. */
  #takeRest(token: string): PdfValue | undefined {
    const start = this.position;
    if (/^\d{1,15}$/.test(token)) {
      const generation = this.takeInteger();
      if (generation !== undefined && this.takeKeyword("R"))
        return { kind: "ref", number: Number(token), generation };
    }
    this.position = start;
    return undefined;
  }

  #takeItems(depth: number): PdfValue[] {
    this.position++;
    const items: PdfValue[] = [];
    for (;;) {
      this.skipSpace();
      if (this.#bytes[this.position] === 0x5d) break;
      items.push(this.takeValue(depth + 1));
    }
    this.position++;
    return items;
  }

  #takeDict(depth: number): PdfDict {
    this.position += 2;
    const entries = new Map<string, PdfValue>();
    for (;;) {
      this.skipSpace();
      if (this.#bytes[this.position] !== 0x2f) break;
      const key = this.#takeName();
      // Programs disagree on which of two counts, so one would show what another does not.
      if (entries.has(key)) throw damagedPdf("A dictionary has an entry twice");
      entries.set(key, this.takeValue(depth + 1));
    }
    if (this.#bytes[this.position] !== 0x3e || this.#bytes[this.position + 1] !== 0x3e)
      throw damagedPdf("A dictionary does not end");
    this.position += 2;
    return { kind: "dict", entries };
  }

  #takeString(take: () => Uint8Array): PdfString {
    const start = this.position++;
    const bytes = take();
    return { kind: "string", bytes, place: this.#isFile ? { start, end: this.position } : null };
  }

  #takeHex(): Uint8Array {
    const start = this.position;
    const end = this.#bytes.indexOf(0x3e, start);
    if (end < 0) throw damagedPdf("A string does not end");
    this.position = end + 1;
    const digits = latin1(this.#bytes.subarray(start, end)).replace(/[\0\t\n\f\r ]/g, "");
    if (/[^\da-f]/i.test(digits)) throw damagedPdf("A string is not hexadecimal");
    return hexToBytes(`0x${digits}${digits.length % 2 === 0 ? "" : "0"}`);
  }

  /** §7.3.4.2 */
  #takeLiteral(): Uint8Array {
    const bytes: number[] = [];
    for (let depth = 1; ; ) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined) throw damagedPdf("A string does not end");
      if (byte === BACKSLASH) {
        const escaped = this.#takeEscape();
        if (escaped !== undefined) bytes.push(escaped);
        continue;
      }
      if (byte === 0x28) depth++;
      if (byte === 0x29 && --depth === 0) return Uint8Array.from(bytes);
      if (byte === CR && this.#bytes[this.position] === LF) this.position++;
      bytes.push(byte === CR ? LF : byte);
    }
  }

  #takeEscape(): number | undefined {
    const [octal] = /^[0-7]{1,3}/.exec(latin1(this.#bytes.subarray(this.position, this.position + 3))) ?? [];
    this.position += octal?.length ?? 1;
    if (octal !== undefined) return Number.parseInt(octal, 8) & 0xff;
    const byte = this.#bytes[this.position - 1];
    if (byte === CR && this.#bytes[this.position] === LF) this.position++;
    if (byte === CR || byte === LF || byte === undefined) return undefined;
    return ESCAPES.get(byte) ?? byte;
  }
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
