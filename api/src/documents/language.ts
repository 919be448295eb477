/** RFC 5646 §4.4.1: no tag that is in use is longer. */
export const LANGUAGE_CHARACTERS_MAX = 35;

/**
 * The canonical spelling of a BCP 47 language tag, by which tags are compared: `en-us` and `EN-US` are `en-US`, and a deprecated
 * `iw` is `he`. Null for what is no tag. Source: RFC 5646 §2.1, §4.5; ECMA-402 CanonicalizeUnicodeLocaleId.
 */
export function canonicalLanguage(tag: string): string | null {
  if (tag.length > LANGUAGE_CHARACTERS_MAX) return null;
  try {
    const [canonical] = Intl.getCanonicalLocales(tag);
    return canonical !== undefined && canonical.length <= LANGUAGE_CHARACTERS_MAX ? canonical : null;
  } catch {
    return null;
  }
}
