import { createRequire } from "node:module";
import * as fontkit from "fontkit";

const require = createRequire(import.meta.url);

/**
 * Stands before a character that `endedLine` marks. A noncharacter is for internal use
 * (Unicode §23.7) and has no glyph, so `printable` lets none through.
 */
const ENDING = "\uFDD0";
const WRITTEN = new RegExp(`${ENDING}?.`, "gsu");
const CODE_POINTS = 0x110000;

/** A glyph as PDFKit takes it, with an id for each `codePoints`; `advanceWidth` in font units. */
type Character = { id: number; codePoints: readonly number[]; advanceWidth: number };
type OpenFont = { source: fontkit.Font; characters: Map<string, Character> };
/** fontkit's types leave out both members. */
type FontkitSubset = { glyphs: number[]; encode(): Uint8Array };

/** DejaVu has Latin, Cyrillic and ✓ ✗ in one design. Parsed once a thread. */
const FONTS = { text: open("DejaVuSans"), bold: open("DejaVuSans-Bold"), mono: open("DejaVuSansMono") };
export type FontName = keyof typeof FONTS;

export const FONT_NAMES = Object.keys(FONTS) as FontName[];

/** @param character One code point. */
export function hasGlyph(font: FontName, character: string): boolean {
  return FONTS[font].source.hasGlyphForCodePoint(character.codePointAt(0)!);
}

/**
 * A line that is extracted with a line feed after its last character: readers then drop nothing at
 * its end. The line feed stands where a line break is anyway.
 */
export function endedLine(line: string): string {
  return line.replace(/.$/su, (last) => ENDING + last);
}

/** Width of a text in em. */
export function widthOf(font: FontName, text: string): number {
  const { source } = FONTS[font];
  return sum(charactersOf(FONTS[font], text)) / source.unitsPerEm;
}

/**
 * A font for one PDFKit document. Each character has its own entry in the subset, and so in
 * ToUnicode (ISO 32000-2 §9.10.3): two characters that share a glyph are still extracted as
 * written.
 *
 * Nothing is shaped: no kerning, no ligatures. fontkit's shaping keeps with each glyph the
 * characters of its first use, in whichever document that was, and fails on some marks in mono.
 */
export function fontForDocument(name: FontName): fontkit.Font {
  const font = FONTS[name];
  return Object.create(font.source, {
    layout: { value: (text: string) => layout(font, text) },
    createSubset: { value: () => createSubset(font.source) },
  });
}

function open(name: string): OpenFont {
  const path = require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`);
  return { source: fontkit.openSync(path) as fontkit.Font, characters: new Map() };
}

/** PDFKit scales the positions in place and then asks for their sum. */
function layout(font: OpenFont, text: string) {
  const glyphs = charactersOf(font, text);
  const positions = glyphs.map(({ advanceWidth }) => ({ xAdvance: advanceWidth, xOffset: 0, yOffset: 0 }));
  return {
    glyphs,
    positions,
    get advanceWidth() {
      return positions.reduce((width, { xAdvance }) => width + xAdvance, 0);
    },
  };
}

function charactersOf({ source, characters }: OpenFont, text: string): Character[] {
  return (text.match(WRITTEN) ?? []).map((written) => {
    let character = characters.get(written);
    if (character === undefined) {
      character = newCharacter(source, written);
      characters.set(written, character);
    }
    return character;
  });
}

function newCharacter(source: fontkit.Font, written: string): Character {
  const isEnding = written.startsWith(ENDING);
  const codePoint = written.codePointAt(isEnding ? ENDING.length : 0)!;
  const { advanceWidth } = source.glyphForCodePoint(codePoint);
  return isEnding
    ? { id: codePoint + CODE_POINTS, codePoints: [codePoint, 0x0a], advanceWidth }
    : { id: codePoint, codePoints: [codePoint], advanceWidth };
}

/** The first place of a subset is that of the glyph for missing characters. */
function createSubset(source: fontkit.Font) {
  const subset = source.createSubset() as unknown as FontkitSubset;
  const places = new Map<number, number>();
  return {
    includeGlyph(id: number): number {
      let place = places.get(id);
      if (place === undefined) {
        place = subset.glyphs.push(source.glyphForCodePoint(id % CODE_POINTS).id) - 1;
        places.set(id, place);
      }
      return place;
    },
    encode: () => subset.encode(),
  };
}

function sum(characters: readonly Character[]): number {
  return characters.reduce((width, { advanceWidth }) => width + advanceWidth, 0);
}
