/** Where a text may be cut: between words, or anywhere that leaves exact what is extracted. */
export type Cut = "words" | "exact";
type WidthOf = (text: string) => number;

/** Readers drop a hyphen at a line's end as hyphenation, and a space there as a gap. */
const DROPPED_AT_END = /[\p{Pd} ]$/u;
/** A combining mark belongs to the character before it; a space stays at its line's end. */
const CONTINUES = /^[\p{M} ]/u;
/** pdftotext takes single characters with spaces between them for one word, spaced out. */
const SPACED_OUT = /^[^ ](?: [^ ])+$/u;

/**
 * Whether readers would drop characters of a line. pdftotext drops every U+002D at the end,
 * although a hyphen of the layout is U+00AD in a tagged document (ISO 32000-1 §14.8.2.2.3).
 */
export function isExtractedInexactly(line: string): boolean {
  return DROPPED_AT_END.test(line) || SPACED_OUT.test(line);
}

/**
 * Lines no wider than `widthMax`, but for a space at the end or a single character. Joined, `exact`
 * lines are the text; between `words` the break stands for the space.
 */
export function cutLines(text: string, cut: Cut, widthOf: WidthOf, widthMax: number): string[] {
  return cut === "exact" ? cutExactly(text, widthOf, widthMax) : cutWords(text, widthOf, widthMax);
}

/** A word wider than a line, such as an address, is cut exactly. */
function cutWords(text: string, widthOf: WidthOf, widthMax: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (widthOf(line) <= widthMax) lines.splice(-1, 1, line);
    else lines.push(...cutExactly(word, widthOf, widthMax));
  }
  return lines;
}

function cutExactly(text: string, widthOf: WidthOf, widthMax: number): string[] {
  const characters = [...text];
  const lines: string[] = [];
  for (let from = 0; from < characters.length; ) {
    const full = endOfFullLine(characters, from, widthOf, widthMax);
    const end = full === characters.length ? full : endOfLine(characters, from, full);
    lines.push(characters.slice(from, end).join(""));
    from = end;
  }
  return lines;
}

function endOfFullLine(
  characters: readonly string[],
  from: number,
  widthOf: WidthOf,
  widthMax: number,
): number {
  let width = widthOf(characters[from]!);
  let end = from + 1;
  while (end < characters.length) {
    width += widthOf(characters[end]!);
    if (width > widthMax) break;
    end++;
  }
  return end;
}

/**
 * Where a line ends that has room up to `full`: after a space, which may stand over the edge; else
 * where readers drop nothing; else, as in a run of hyphens, at `full`.
 */
function endOfLine(characters: readonly string[], from: number, full: number): number {
  for (let end = full + 1; end > (from + full) / 2; end--) {
    if (characters[end - 1] === " ") return end;
  }
  for (let end = full; end > from; end--) {
    if (!DROPPED_AT_END.test(characters[end - 1]!) && !CONTINUES.test(characters[end]!)) return end;
  }
  return full;
}
