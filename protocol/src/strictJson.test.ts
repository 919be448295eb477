import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStrictJson, type StrictJsonProblem } from "./strictJson.ts";

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("spec README: JSON that readers could read differently is refused, by the member's name", () => {
  const refusals: [string, StrictJsonProblem, string | null][] = [
    ["", "syntax", null],
    ["{", "syntax", null],
    ['{"a":1,}', "syntax", null],
    ["\ufeff{}", "syntax", null],
    ["{'a':1}", "syntax", null],
    ['{"a":1,"a":1}', "duplicateMember", "a"],
    ['{"a":1,"\\u0061":1}', "duplicateMember", "a"],
    ['{"a":1,"b":{"c":[0,{"d":1,"d":2}]}}', "duplicateMember", "b.c[1].d"],
    ['{"a":{"x":1},"a":2}', "duplicateMember", "a"],
    ['{"a\\"":1,"a\\"":2}', "duplicateMember", 'a"'],
    ['{"\\\\":1,"\\\\":2}', "duplicateMember", "\\"],
    ['{"__proto__":1,"__proto__":2}', "duplicateMember", "__proto__"],
    ['[{},{"":1,"":2}]', "duplicateMember", "[1]"],
    [`{"a":${nested(5000)},"a":1}`, "duplicateMember", "a"],
    ['{"a":"\\ud800"}', "loneSurrogate", "a"],
    ['{"a":"\ud800"}', "loneSurrogate", "a"],
    ['{"a":["x","\\uDC00\\uD800"]}', "loneSurrogate", "a[1]"],
    ['"\\ud800"', "loneSurrogate", null],
    ['{"\\ud800":1}', "loneSurrogate", "\ufffd"],
    ['"\ud800\\udc00"', "loneSurrogate", null],
    ['{"n":9007199254740992}', "unsafeInteger", "n"],
    ['{"n":9007199254740993}', "unsafeInteger", "n"],
    ['{"n":-9007199254740993}', "unsafeInteger", "n"],
    ['{"n":[1e400]}', "unsafeInteger", "n[0]"],
    ['{"n":1e16}', "unsafeInteger", "n"],
    ["12345678901234567890", "unsafeInteger", null],
    [nested(33), "tooDeep", "[0]".repeat(32)],
    [`{"a":${nested(32)}}`, "tooDeep", `a${"[0]".repeat(31)}`],
    [nested(200_000), "tooDeep", "[0]".repeat(32)],
  ];
  test.each(refusals.map((row) => [row[0].slice(0, 60), ...row] as const))(
    "%j: %2$s",
    (_, text, problem, member) => {
      expect(parseStrictJson(text)).toEqual({ ok: false, problem, member });
    },
  );
});

test.each([
  "null",
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
  '{"a":"\\ud83d\\ude00 😀"}',
  '{"a:b":"c:d","\\":":1}',
  '{"n":[9007199254740991,-9007199254740991,1.5,1e-400,-0]}',
  '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  nested(32),
  ' { "a" : [ ] , "b" : { } } ',
])("%j is read as JSON.parse reads it", (text) => {
  expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
});

test("__proto__ is an own member like any other", () => {
  const parsed = parseStrictJson('{"__proto__":{"admin":true},"a":1}');
  expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(["__proto__", "a"]);
  expect(parsed.ok && (parsed.value as { admin?: boolean }).admin).toBeUndefined();
});

test("a member's name in an answer is bounded and well-formed", () => {
  const name = `${"x".repeat(63)}😀`;
  const parsed = parseStrictJson(`{"${name}":1e400}`);
  expect(parsed).toEqual({ ok: false, problem: "unsafeInteger", member: `${"x".repeat(63)}\ufffd` });
});

test("whatever JSON.stringify writes is read back, unless a number is beyond 2^53", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6, stringUnit: "binary" }), (text) => {
      const parsed = parseStrictJson(text);
      if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text));
      else expect(parsed.problem).toBe(/\\ud[89a-f]/.test(text) ? "loneSurrogate" : "unsafeInteger");
    }),
    { numRuns: 2_000 },
  );
});

test("any text is either refused or read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0a1e9-. dD8'), maxLength: 24 }), (text) => {
      const parsed = parseStrictJson(text);
      if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text));
      else if (parsed.problem === "syntax") expect(() => JSON.parse(text)).toThrow();
    }),
    { numRuns: 5_000 },
  );
});

test("a member that is written twice anywhere is refused, with any other name allowed", () => {
  const name = fc.string({ unit: "grapheme", maxLength: 6 });
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: 8 }),
      fc.nat(),
      fc.nat(8),
      (names, pick, depth) => {
        const members = names.map((one) => `${JSON.stringify(one)}:{"a":[":,"]}`);
        const repeated = `${escapeAll(names[pick % names.length]!)}:0`;
        expect(parseStrictJson(wrap(`{${members}}`, depth)).ok).toBe(true);
        const parsed = parseStrictJson(wrap(`{${[...members, repeated]}}`, depth));
        expect(parsed).toMatchObject({ ok: false, problem: "duplicateMember" });
      },
    ),
  );
});

function wrap(text: string, depth: number): string {
  return depth === 0 ? text : wrap(depth % 2 === 0 ? `[1,${text}]` : `{"in":${text},"b":null}`, depth - 1);
}

function escapeAll(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) =>
    text.charCodeAt(i).toString(16).padStart(4, "0"),
  );
  return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
}
