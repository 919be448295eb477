import { type AcSignal, decodeAc } from "./decodeAc.ts";
import { decodeGpp, type GppSection, type GppSignal } from "./decodeGpp.ts";
import { decodeTcf, type TcfSignal } from "./decodeTcf.ts";

const SIGNALS = ["tcf", "ac", "gpp"] as const;
type SignalName = (typeof SIGNALS)[number];
export type SignalFlag = `${SignalName}_${"not_decodable" | "contradicts_categories"}`;

/** Every flag that a record can carry (OS-7). */
export const SIGNAL_FLAGS: readonly SignalFlag[] = SIGNALS.flatMap((name) => [
  `${name}_not_decodable` as const,
  `${name}_contradicts_categories` as const,
]);

/** The one category that nobody is asked about; every other one is optional. */
const NECESSARY = "necessary";

export type SignalStrings = { tcfString?: string; acString?: string; gppString?: string };

/** `tcf`, `ac`, `gpp`: null when there is no such string, or it does not decode. */
export type Signals = {
  tcf: TcfSignal | null;
  ac: AcSignal | null;
  gpp: GppSignal | null;
  flags: SignalFlag[];
};

/**
 * Decodes what came beside a consent, and says where that contradicts its categories: a signal agrees when "it consents to
 * something" equals "some optional category is on" (OS-7). Never throws: the strings are kept as they came, whatever they are.
 */
export function readSignals(strings: SignalStrings, categories?: Record<string, boolean>): Signals {
  const tcf = strings.tcfString === undefined ? undefined : decodeTcf(strings.tcfString);
  const ac = strings.acString === undefined ? undefined : decodeAc(strings.acString);
  const gpp = strings.gppString === undefined ? undefined : decodeGpp(strings.gppString);
  return {
    tcf: tcf ?? null,
    ac: ac ?? null,
    gpp: gpp ?? null,
    flags: [
      ...flagsOf("tcf", tcf, categories, ({ purposesConsented }) => purposesConsented.length > 0),
      ...flagsOf("ac", ac, categories, ({ consented }) => consented.length > 0),
      ...flagsOf("gpp", gpp, categories, consentsOfGpp),
    ],
  };
}

function flagsOf<S>(
  name: SignalName,
  signal: S | null | undefined,
  categories: Record<string, boolean> | undefined,
  consents: (signal: S) => boolean | null,
): SignalFlag[] {
  if (signal === undefined) return [];
  if (signal === null) return [`${name}_not_decodable`];
  if (categories === undefined) return [];
  const consented = consents(signal);
  const isOptionalOn = Object.entries(categories).some(([category, on]) => category !== NECESSARY && on);
  return consented === null || consented === isOptionalOn ? [] : [`${name}_contradicts_categories`];
}

/** True when some section consents, false when those that say anything refuse, null when none says anything. */
function consentsOfGpp({ sections }: GppSignal): boolean | null {
  const said = sections.map(consentsOfSection);
  if (said.includes(true)) return true;
  return said.includes(false) ? false : null;
}

const OPT_OUTS = ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"];

/** In the sections of the United States nobody consents, but opts out (1, or Y in the old one) or does not (2, N). */
function consentsOfSection({ fields }: GppSection): boolean | null {
  const purposes = fields.PurposeConsents ?? fields.PurposesExpressConsent;
  if (Array.isArray(purposes)) return purposes.includes(true);
  const optOuts = [fields.OptOutSale, ...OPT_OUTS.map((name) => fields[name])];
  if (optOuts.includes(2) || optOuts.includes("N")) return true;
  return optOuts.includes(1) || optOuts.includes("Y") ? false : null;
}
