import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Piscina } from "piscina";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { printable } from "./printable.ts";
import type { ConsentProof } from "./proof.ts";
import { type ProofPdfInput, renderProofPdf } from "./renderProofPdf.ts";
import type { ProofLanguage } from "./words.ts";

const inputOf = (changed: Partial<ConsentProof>, language: ProofLanguage = "en"): ProofPdfInput => ({
  proof: { ...proof, ...changed },
  language,
  receiptJson,
  urls,
});

/** Each font draws some of these with glyphs that others of them use too. */
const SCRIPTS = {
  latin: "AaBCcEeHiJjKMOoPpSTXxy Đđ öoıi fi ffi",
  cyrillic: "АаВСсЕеНіЈјКМОоРрЅТХху Ђђ",
  greek: "ΑΒΕΗΙΚΜΝΟοΡΤΥΧ Ωµμ",
  composed: "o\u0308 ö e\u0301 é i\u0307 A\u030a Å \u212b Ý\u030c ﬁ",
};
const DOCUMENTS = (["en", "sr", "sr-Cyrl"] as const).flatMap((language) =>
  Object.values(SCRIPTS).map((text) => ({
    text,
    input: inputOf(
      { visitorId: text, tcfString: text, bannerMode: text, categories: { [text]: true } },
      language,
    ),
  })),
);
const TITLES: Record<ProofLanguage, string> = {
  en: "Consent proof",
  sr: "Dokaz o saglasnosti",
  "sr-Cyrl": "Доказ о сагласности",
};

/** As a render thread makes it that has made no other. */
async function renderInFreshThread(input: ProofPdfInput): Promise<Uint8Array> {
  const filename = new URL("./renderThread.ts", import.meta.url).href;
  const pool = new Piscina<ProofPdfInput, Uint8Array>({ filename, minThreads: 0, maxThreads: 1 });
  try {
    return await pool.run(input);
  } finally {
    await pool.destroy();
  }
}

describe.skipIf(skippedForPoppler !== null)(`OS-2 ${skippedForPoppler ?? ""}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-pdf-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Text of the pages without their footers, line breaks and page breaks. */
  function textOf(pdf: Uint8Array): string {
    const file = join(folder, "proof.pdf");
    writeFileSync(file, pdf);
    const footer = /^.* rcpt_7f3a +· +\S+ \d+ \S+ \d+$/gm;
    return poppler("pdftotext", file, "-")
      .replace(footer, "")
      .replace(/[\n\f]/g, "");
  }

  test("OS: no document depends on those that its thread made before, in any order of languages and scripts", async () => {
    const alone = new Map<ProofPdfInput, Uint8Array>();
    for (const { input, text } of DOCUMENTS) {
      const pdf = await renderInFreshThread(input);
      alone.set(input, pdf);
      const extracted = textOf(pdf);
      expect(extracted).toContain(TITLES[input.language]);
      expect(extracted.split(text)).toHaveLength(5);
    }
    const order = fc.sample(fc.constantFrom(...DOCUMENTS), 300);
    for (const { input } of order) {
      expect(Buffer.compare(await renderProofPdf(input), alone.get(input)!)).toBe(0);
    }
  });

  const piece = fc.oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.string({ unit: fc.constantFrom(..."AZaz09-_"), maxLength: 200 }), // base64url
    fc.integer({ min: 1, max: 200 }).map((length) => "-".repeat(length)),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom("a", "\u0301", "i\u0307", "fi", "А", "A", "𝔸", "\\u{2d}"),
      maxLength: 60,
    }),
    fc.string({
      unit: fc.constantFrom("\u00ad", "\u2010", "-", " ", "\u00a0", "é", "´", "x"),
      maxLength: 100,
    }),
    fc.array(fc.string({ unit: fc.constantFrom(..."abmČш-"), minLength: 1 })).map((words) => words.join(" ")),
  );
  const value = fc
    .array(piece, { minLength: 1, maxLength: 4 })
    .map((pieces) => pieces.join(""))
    .filter((joined) => joined !== "");

  test("OS-2: without its line breaks, extracted text has every recorded string as it is shown", async () => {
    await fc.assert(
      fc.asyncProperty(value, value, value, async (visitorId, tcfString, pageUrl) => {
        const category = visitorId.slice(0, 100);
        const changed = {
          visitorId,
          tcfString,
          pageUrl,
          domain: pageUrl.slice(0, 253),
          categories: { [category]: true },
        };
        const text = textOf(await renderProofPdf(inputOf(changed)));
        expect(text).toContain(printable(visitorId, "mono"));
        expect(text).toContain(printable(tcfString, "mono"));
        expect(text).toContain(printable(pageUrl, "text"));
        expect(text).toContain(printable(changed.domain, "text"));
        expect(text).toContain(printable(category, "text"));
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ["a hyphen in every place of a line", `${"A".repeat(74)}-${"B".repeat(73)}-${"C".repeat(76)}-`],
    ["more hyphens than a line holds", "-".repeat(500)],
    ["hyphens and spaces only", "- ".repeat(200).trim()],
    ["a letter and a space in turn", "a ".repeat(200).trim()],
    ["two letters apart", "x y"],
    ["a mark on nothing", "\u0301".repeat(2) + "-".repeat(200)],
  ])("OS-2: extracted text keeps %s", async (_, tcfString) => {
    const text = textOf(await renderProofPdf(inputOf({ tcfString, pageUrl: tcfString })));
    expect(text).toContain(printable(tcfString, "mono"));
    expect(text.split(printable(tcfString, "text"))).toHaveLength(3);
  });
});
