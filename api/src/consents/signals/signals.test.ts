import { GppModel } from "@iabgpp/cmpapi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeAc } from "./decodeAc.ts";
import { decodeGpp } from "./decodeGpp.ts";
import { decodeTcf } from "./decodeTcf.ts";
import { readSignals, SIGNAL_FLAGS } from "./readSignals.ts";
import { NAMED_VENDORS_MAX } from "./vendorRanges.ts";

/** Source: IAB TCF, "Consent string and vendor list formats v2", the example of a TC string. */
const TCF =
  "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw";
const TCF_OF_NOTHING = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA";
/** Source: IAB GPP, "Consent string specification", its examples. */
const GPP_EU = `DBABMA~${TCF_OF_NOTHING}`;
const GPP_EU_AND_USP = `DBACNYA~${TCF_OF_NOTHING}~1YNN`;
/** Source: Google, "Additional Consent technical specification". */
const AC_1 = "1~1.35.41.101";
const AC_2 = "2~1.35.41.101~dv.9.21.81";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const bitsOf = (text: string) => [...text].map((digit) => binary(DIGITS.indexOf(digit), 6)).join("");
const binary = (value: number, bits: number) => value.toString(2).padStart(bits, "0");
function textOf(bits: string): string {
  const padded = bits.padEnd(Math.ceil(bits.length / 6) * 6, "0");
  return padded.replace(/.{6}/g, (digit) => DIGITS[Number.parseInt(digit, 2)]!);
}

/** A core segment whose consented vendors are this many ranges from 1 on. */
function withVendorRanges(ranges: number, vendorIdMax: number): string {
  const list = `${binary(65_535, 16)}1${binary(ranges, 12)}${`1${binary(1, 16)}${binary(vendorIdMax, 16)}`.repeat(ranges)}`;
  return textOf(`${bitsOf(TCF_OF_NOTHING).slice(0, 213)}${list}${binary(0, 17)}${binary(0, 12)}`);
}

describe("OS-7 a TCF string", () => {
  test("is decoded as its specification has it", () => {
    expect(decodeTcf(TCF)).toMatchObject({
      version: 2,
      created: new Date("2020-02-20T23:57:39.300Z"),
      cmpId: 27,
      cmpVersion: 0,
      language: "EN",
      vendorListVersion: 15,
      policyVersion: 2,
      publisherCountry: "AA",
      purposesConsented: [1, 2, 3],
      purposesOfLegitimateInterest: [],
      vendorsConsented: 3,
      vendorsOfLegitimateInterest: 3,
    });
  });

  test("that another library wrote is read back, whatever it says", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 24 })),
        fc.uniqueArray(fc.integer({ min: 1, max: 2_000 })),
        (purposes, vendors) => {
          const model = new GppModel();
          const consents = Array.from({ length: 24 }, (_, index) => purposes.includes(index + 1));
          const vendorIds = vendors.toSorted((a, b) => a - b);
          model.setFieldValue("tcfeuv2", "CmpId", 31);
          model.setFieldValue("tcfeuv2", "CmpVersion", 2);
          model.setFieldValue("tcfeuv2", "VendorListVersion", 100);
          model.setFieldValue("tcfeuv2", "PurposeConsents", consents);
          model.setFieldValue("tcfeuv2", "VendorConsents", vendorIds);
          const decoded = decodeTcf(model.encodeSection("tcfeuv2"));
          expect(decoded?.purposesConsented).toEqual(purposes.toSorted((a, b) => a - b));
          expect(decoded?.vendorsConsented).toBe(vendors.length);
        },
      ),
    );
  });

  test("that names as many vendors as there can be is decoded, and one that names more is not", () => {
    expect(decodeTcf(withVendorRanges(NAMED_VENDORS_MAX / 1_000, 1_000))?.vendorsConsented).toBe(1_000);
    expect(decodeTcf(withVendorRanges(NAMED_VENDORS_MAX / 1_000 + 1, 1_000))).toBeNull();
    // Its 22,000 characters would have the library write out 268 million ids.
    expect(decodeTcf(withVendorRanges(1_700, 65_535))).toBeNull();
    expect(decodeGpp(`DBABMA~${withVendorRanges(1_000, 65_535)}`)).toBeNull();
  });
});

describe("OS-7 an AC string", () => {
  test("is decoded as its specification has it", () => {
    expect(decodeAc(AC_1)).toEqual({ version: 1, consented: [1, 35, 41, 101], disclosed: null });
    expect(decodeAc(AC_2)).toEqual({ version: 2, consented: [1, 35, 41, 101], disclosed: [9, 21, 81] });
    expect(decodeAc("1~")).toEqual({ version: 1, consented: [], disclosed: null });
    expect(decodeAc("2~~dv.")).toEqual({ version: 2, consented: [], disclosed: [] });
  });

  test.each(["", "1", "1~1.", "1~.1", "1~01", "1~1~dv.2", "2~1", "2~1~2", "3~1", "1~1 ", "1~a", "1~1\n"])(
    "%j is none",
    (text) => expect(decodeAc(text)).toBeNull(),
  );

  test("of any ids is read back", () => {
    const ids = fc.array(fc.integer({ min: 1, max: 999_999_999 }));
    fc.assert(
      fc.property(ids, ids, (consented, disclosed) => {
        const text = `2~${consented.join(".")}~dv.${disclosed.join(".")}`;
        expect(decodeAc(text)).toEqual({ version: 2, consented, disclosed });
      }),
    );
  });
});

describe("OS-7 a GPP string", () => {
  test("is decoded as its specification has it", () => {
    expect(decodeGpp(GPP_EU)?.sections).toMatchObject([
      { id: 2, name: "tcfeuv2", fields: { CmpId: 31, CmpVersion: 640 } },
    ]);
    expect(decodeGpp(GPP_EU_AND_USP)?.sections).toMatchObject([
      { id: 2, name: "tcfeuv2" },
      { id: 6, name: "uspv1", fields: { Notice: "Y", OptOutSale: "N", LspaCovered: "N" } },
    ]);
  });

  test("that the library wrote is read back", () => {
    const model = new GppModel();
    model.setFieldValue("usnat", "SaleOptOut", 1);
    model.setFieldValue("usca", "Gpc", true);
    model.setFieldValue("tcfcav1", "CmpId", 31);
    expect(decodeGpp(model.encode())?.sections).toMatchObject([
      { id: 5, name: "tcfcav1", fields: { CmpId: 31 } },
      { id: 7, name: "usnat", fields: { SaleOptOut: 1 } },
      { id: 8, name: "usca", fields: { Gpc: true } },
    ]);
  });

  test.each([
    ["more sections than follow", `DBACNYA~${TCF_OF_NOTHING}`],
    ["a range of sections to the end of numbers", `DBAB${"V".repeat(240)}w`],
    ["an endless header", `DB${"A".repeat(9_000)}`],
    ["a section that is blank", "DBABMA~"],
    ["a section that does not decode", "DBABMA~C"],
    ["nothing", ""],
  ])("with %s does not decode", (_name, text) => expect(decodeGpp(text)).toBeNull());
});

describe("OS-7 flags", () => {
  const on = { necessary: true, analytics: true };
  const off = { necessary: true, analytics: false };
  const us = (saleOptOut: number) => {
    const model = new GppModel();
    model.setFieldValue("usnat", "SaleOptOut", saleOptOut);
    return model.encode();
  };

  test.each([
    ["a purpose and an optional category", { tcfString: TCF }, on, []],
    ["a purpose and no optional category", { tcfString: TCF }, off, ["tcf_contradicts_categories"]],
    [
      "no purpose and an optional category",
      { tcfString: TCF_OF_NOTHING },
      on,
      ["tcf_contradicts_categories"],
    ],
    ["neither", { tcfString: TCF_OF_NOTHING }, off, []],
    ["a purpose and no categories at all", { tcfString: TCF }, undefined, []],
    ["a provider and an optional category", { acString: AC_1 }, on, []],
    ["a provider and no optional category", { acString: AC_2 }, off, ["ac_contradicts_categories"]],
    ["no provider and an optional category", { acString: "2~~dv.1" }, on, ["ac_contradicts_categories"]],
    ["EU sections without purposes", { gppString: GPP_EU }, on, ["gpp_contradicts_categories"]],
    ["an opt-out of sale, old style", { gppString: "DBABTA~1YYN" }, on, ["gpp_contradicts_categories"]],
    ["an opt-out of sale", { gppString: us(1) }, on, ["gpp_contradicts_categories"]],
    ["an opt-out of sale, and nothing on", { gppString: us(1) }, off, []],
    ["no opt-out of sale", { gppString: us(2) }, on, []],
    ["a section that does not say", { gppString: us(0) }, on, []],
    ["nothing at all", {}, on, []],
  ])("%s", (_name, strings, categories, flags) => {
    expect(readSignals(strings, categories).flags).toEqual(flags);
  });

  test("tell what does not decode, each by itself, and never refuse it", () => {
    const { flags, tcf, ac, gpp } = readSignals({ tcfString: "x", acString: AC_1, gppString: "" }, on);
    expect(flags).toEqual(["tcf_not_decodable", "gpp_not_decodable"]);
    expect([tcf, ac?.version, gpp]).toEqual([null, 1, null]);
  });
});

describe("whatever comes in a signal's place", () => {
  /** Bytes like those of the real thing get further into a decoder than any text would. */
  const mutated = (text: string) =>
    fc
      .array(fc.tuple(fc.nat(text.length), fc.constantFrom(...DIGITS, ".", "~", "é")), { maxLength: 8 })
      .map((changes) =>
        changes.reduce((now, [at, digit]) => now.slice(0, at) + digit + now.slice(at + 1), text),
      );
  const signal = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(...DIGITS), maxLength: 400 }),
    ...[TCF, TCF_OF_NOTHING, GPP_EU_AND_USP, AC_2, withVendorRanges(3, 900)].flatMap((text) => [
      mutated(text),
      mutated(text).map((changed) => `DBABMA~${changed}`),
      fc.nat(text.length).map((end) => text.slice(0, end)),
    ]),
  );

  test("nothing is thrown, every flag is one of the list, and the work is bounded", {
    timeout: 120_000,
  }, () => {
    fc.assert(
      fc.property(signal, fc.dictionary(fc.string(), fc.boolean()), (text, categories) => {
        const { flags } = readSignals({ tcfString: text, acString: text, gppString: text }, categories);
        for (const flag of flags) expect(SIGNAL_FLAGS).toContain(flag);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["a megabyte of one digit", "C".repeat(1_000_000)],
    ["a megabyte of segments", `C${".A".repeat(500_000)}`],
    ["a megabyte of sections", `DB${"~A".repeat(500_000)}`],
    ["a megabyte of ids", `1~${"1.".repeat(500_000)}`],
  ])("%s is not decodable", (_name, text) => {
    expect(readSignals({ tcfString: text, acString: text, gppString: text })).toMatchObject({
      tcf: null,
      ac: null,
      gpp: null,
    });
  });
});
