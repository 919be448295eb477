import { type FontName, hasGlyph } from "./fonts.ts";

/** Unicode properties of what cannot be seen, or shows no character that everybody knows. */
const INVISIBLE = [
  "\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}", // controls and formats; a line break must not look like a value's end
  "\\p{Cs}", // halves of surrogate pairs
  "\\p{Default_Ignorable_Code_Point}", // variation selectors and fillers
  "\\p{Co}", // private use: PDF/A (ISO 19005-3 §6.2.11.7.3) wants a meaning beside it
];

/** Scripts from right to left would be shown and extracted in another order than recorded. */
const REORDERED = "[[\\p{scx=Hebrew}\\p{scx=Arabic}\\p{scx=Nko}]--\\p{Script=Inherited}]";

/** Spaces that neither eyes nor text extraction tell from U+0020. */
const OTHER_SPACES = "[\\p{Zs}--[ ]]";

const ESCAPED = new RegExp(
  [
    `[${INVISIBLE.join("")}]`,
    REORDERED,
    OTHER_SPACES,
    "(?<=^|[\\p{M} ])\\p{M}", // a combining mark on nothing, or on another
    "^ | $|(?<= ) ", // at an edge, or after another, a space is lost
    "\\\\(?=u\\{)", // a recorded text that looks like an escape
  ].join("|"),
  "gv",
);

/**
 * A recorded value as it can be seen. `\u{hex}` stands for what is invisible, reordered or not in
 * the font: nothing is lost, and no value can pass for another.
 */
export function printable(value: string, font: FontName): string {
  const seen = value.replace(ESCAPED, escaped);
  return Array.from(seen, (character) => (hasGlyph(font, character) ? character : escaped(character))).join(
    "",
  );
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
