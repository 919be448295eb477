import { FONTS, type FontName } from "./fonts.ts";

// Control and format characters, those that turn the direction of text among them (Unicode categories Cc, Cf, Zl, Zp), and
// halves of surrogate pairs. A line break in a value must not look like the end of the value either.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * A recorded value as it can be seen: what is invisible, or has no glyph in the font, stands as `\u{hex}`, so that nothing is
 * lost and no value can pass for another.
 */
export function printable(value: string, font: FontName): string {
  let text = "";
  for (const character of value) {
    const codePoint = character.codePointAt(0)!;
    const visible = !INVISIBLE.test(character) && FONTS[font].hasGlyphForCodePoint(codePoint);
    text += visible ? character : `\\u{${codePoint.toString(16)}}`;
  }
  return text;
}
