import { FibonacciIntegerEncoder, FixedIntegerEncoder, GppModel } from "@iabgpp/cmpapi";
import { CANADA_CORE_BITS, countNamedVendors, EU_CORE_BITS, NAMED_VENDORS_MAX } from "./vendorRanges.ts";

/** What an IAB GPP string says: its sections, as the library names them and their fields. */
export type GppSignal = { sections: GppSection[] };
export type GppSection = { id: number; name: string; fields: Record<string, unknown> };

const GPP_CHARACTERS_MAX = 10_000;
const SECTIONS_MAX = 64;
/** Far beyond any that is assigned. */
const SECTION_ID_MAX = 4_096;
const HEADER_CHARACTERS_MAX = 256;
const EU_TCF = 2;
const CANADA_TCF = 5;

/** Null for what is no GPP string, or one that names more sections or vendors than there are. Never throws. */
export function decodeGpp(encoded: string): GppSignal | null {
  if (encoded.length > GPP_CHARACTERS_MAX || !/^DB[\w-]*(~[\w.-]+)*$/.test(encoded)) return null;
  try {
    const [header = "", ...sections] = encoded.split("~");
    const ids = readSectionIds(header);
    if (ids === null || ids.length !== sections.length) return null;
    if (ids.some((id, index) => namesTooMany(id, sections[index]!))) return null;
    return { sections: decodeSections(encoded) };
  } catch {
    return null;
  }
}

function decodeSections(encoded: string): GppSection[] {
  const model = new GppModel(encoded);
  const fieldsByName: Record<string, Record<string, unknown>> = model.toObject();
  const ids = model.getSectionIds();
  return Object.entries(fieldsByName).map(([name, fields], index) => ({ id: ids[index], name, fields }));
}

function namesTooMany(id: number, section: string): boolean {
  const coreBits = id === EU_TCF ? EU_CORE_BITS : id === CANADA_TCF ? CANADA_CORE_BITS : null;
  return coreBits !== null && countNamedVendors(section, coreBits) > NAMED_VENDORS_MAX;
}

/**
 * The section ids of a header. The library writes out every id between the two ends of a range, however far apart, so we look first.
 * Source: IAB GPP, "Header" and "Fibonacci range": type 6 bits, version 6, then how many ranges (12), each a flag and one or two
 * Fibonacci codes, which end in 11 and are relative to the one before.
 */
function readSectionIds(header: string): number[] | null {
  if (header.length > HEADER_CHARACTERS_MAX) return null;
  const bits = [...header].map((digit) => FixedIntegerEncoder.encode(digitValue(digit), 6)).join("");
  const ids: number[] = [];
  let at = 24;
  let last = 0;
  const readNext = () => {
    const end = bits.indexOf("11", at) + 2;
    last += FibonacciIntegerEncoder.decode(bits.slice(at, end));
    at = end;
    return last;
  };
  for (let ranges = FixedIntegerEncoder.decode(bits.slice(12, 24)); ranges > 0; ranges--) {
    const isRange = bits[at++] === "1";
    const first = readNext();
    const end = isRange ? readNext() : first;
    if (end > SECTION_ID_MAX || ids.length + end - first >= SECTIONS_MAX) return null;
    for (let id = first; id <= end; id++) ids.push(id);
  }
  return ids;
}

function digitValue(base64UrlDigit: string): number {
  return Buffer.from(`${base64UrlDigit}A`, "base64url")[0]! >> 2;
}
