/**
 * Characters that a terminal or a browser may act on: controls (C0, DEL, C1), format characters such as those that turn
 * the direction of text around, line and paragraph separators, surrogates that stand alone, private and unassigned characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/**
 * Text of a file or a node as it may stand in a line that people read: what could write another line, move the cursor or turn text around stands
 * as `\u{…}`. Every line of a report goes through here.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** Lines of text, each ended, of which none can hold another. */
export function printableLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** JSON text with the same characters escaped inside of its strings; line breaks between members stay. @param indent blanks a level. */
export function printableJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent)
    .split("\n")
    .map((line) => line.replace(UNPRINTABLE, jsonEscape))
    .join("\n");
}

function jsonEscape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}
