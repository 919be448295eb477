/** What a Google Additional Consent string says: ids of ad technology providers outside the IAB's list. */
export type AcSignal = {
  version: 1 | 2;
  consented: number[];
  /** Shown without consent; null in version 1, which does not tell. */
  disclosed: number[] | null;
};

const AC_CHARACTERS_MAX = 50_000;
const IDS = String.raw`(?:[1-9]\d{0,8}(?:\.[1-9]\d{0,8})*)?`;
const VERSION_1 = new RegExp(`^1~(${IDS})$`);
const VERSION_2 = new RegExp(`^2~(${IDS})~dv\\.(${IDS})$`);

/**
 * Null for what is no AC string. Never throws.
 * Source: Google, "Additional Consent technical specification", versions 1 and 2: `1~1.35.41`, `2~1.35.41~dv.9.21`.
 */
export function decodeAc(encoded: string): AcSignal | null {
  if (encoded.length > AC_CHARACTERS_MAX) return null;
  const [, onlyConsented] = VERSION_1.exec(encoded) ?? [];
  if (onlyConsented !== undefined) return { version: 1, consented: idsOf(onlyConsented), disclosed: null };
  const [, consented, disclosed] = VERSION_2.exec(encoded) ?? [];
  if (consented === undefined || disclosed === undefined) return null;
  return { version: 2, consented: idsOf(consented), disclosed: idsOf(disclosed) };
}

function idsOf(list: string): number[] {
  return list === "" ? [] : list.split(".").map(Number);
}
