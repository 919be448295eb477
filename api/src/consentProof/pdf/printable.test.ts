import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FONT_NAMES } from "./fonts.ts";
import { printable } from "./printable.ts";

const unescaped = (shown: string) =>
  shown.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)));

describe.each(FONT_NAMES)("in the font %s", (font) => {
  test("OS-2: no recorded text passes for another", () => {
    const unit = fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      fc.constantFrom(" ", "\\u{20}", "\\u", "{20}", "\\", "\ud800", "\u00a0", "\ufe0f", "\ufdd0"),
    );
    fc.assert(
      fc.property(fc.string({ unit }), (value) => {
        expect(unescaped(printable(value, font))).toBe(value);
      }),
    );
  });

  test.each([
    ["a soft hyphen", "\u00ad"],
    ["a turn of the reading direction", "\u202e"],
    ["a variation selector", "\ufe0f"],
    ["a character for private use", "\uf6c5"],
    ["a noncharacter", "\ufdd0"],
    ["half of a surrogate pair", "\ud800"],
    ["a letter of a script from right to left", "א"],
    ["a character that such scripts share", "\u0640"],
    ["a space other than U+0020", "\u00a0"],
  ])("OS-2: %s stands as an escape", (_, character) => {
    const shown = `\\u{${character.codePointAt(0)!.toString(16)}}`;
    expect(printable(`a${character}b`, font)).toBe(`a${shown}b`);
  });

  test("OS-2: a combining mark on nothing or on another stands as an escape", () => {
    expect(printable("\u0301a\u0301\u0301 \u0301", font)).toBe("\\u{301}a\u0301\\u{301} \\u{301}");
  });

  test("OS-2: a space at an edge or after another stands as an escape", () => {
    expect(printable(" a b  c ", font)).toBe("\\u{20}a b \\u{20}c\\u{20}");
  });
});
