import { TCString, type Vector } from "@iabtcf/core";
import { countNamedVendors, EU_CORE_BITS, NAMED_VENDORS_MAX } from "./vendorRanges.ts";

/** What an IAB TCF string says, for people; vendors are counted, not listed. */
export type TcfSignal = {
  version: number;
  cmpId: number;
  cmpVersion: number;
  vendorListVersion: number;
  policyVersion: number;
  language: string;
  publisherCountry: string;
  created: Date;
  lastUpdated: Date;
  isServiceSpecific: boolean;
  /** Numbers of the purposes that somebody consented to. */
  purposesConsented: number[];
  purposesOfLegitimateInterest: number[];
  specialFeatures: number[];
  vendorsConsented: number;
  vendorsOfLegitimateInterest: number;
};

const TCF_CHARACTERS_MAX = 10_000;

/** Null for what is no TCF string, or one that names more vendors than there are. Never throws. */
export function decodeTcf(encoded: string): TcfSignal | null {
  // The core segment, whose first six bits are the version, comes first.
  if (encoded.length > TCF_CHARACTERS_MAX || !/^[BC][\w-]+(\.[\w-]+)*$/.test(encoded)) return null;
  if (countNamedVendors(encoded, EU_CORE_BITS) > NAMED_VENDORS_MAX) return null;
  try {
    const model = TCString.decode(encoded);
    return {
      version: Number(model.version),
      cmpId: Number(model.cmpId),
      cmpVersion: Number(model.cmpVersion),
      vendorListVersion: Number(model.vendorListVersion),
      policyVersion: Number(model.policyVersion),
      language: model.consentLanguage,
      publisherCountry: model.publisherCountryCode,
      created: model.created,
      lastUpdated: model.lastUpdated,
      isServiceSpecific: model.isServiceSpecific,
      purposesConsented: idsOf(model.purposeConsents),
      purposesOfLegitimateInterest: idsOf(model.purposeLegitimateInterests),
      specialFeatures: idsOf(model.specialFeatureOptins),
      vendorsConsented: model.vendorConsents.size,
      vendorsOfLegitimateInterest: model.vendorLegitimateInterests.size,
    };
  } catch {
    return null;
  }
}

function idsOf(vector: Vector): number[] {
  return [...vector.values()].sort((a, b) => a - b);
}
