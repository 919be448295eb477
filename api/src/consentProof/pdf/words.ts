import type { ProofAction, ProofFlag } from "./proof.ts";

/** English, Serbian in Latin and in Cyrillic script (BCP 47). */
export type ProofLanguage = "en" | "sr" | "sr-Cyrl";

/** What a category is called; one that has no name in the language goes by its own, whatever it is. */
export function categoryName({ categories }: Words, category: string): string {
  return Object.hasOwn(categories, category) ? categories[category]! : category;
}

/** Every text of the document, in one language. */
export type Words = {
  title: string;
  subtitle: (domain: string) => string;
  sections: Record<"record" | "choice" | "context" | "signals" | "signature" | "anchor" | "checking", string>;
  labels: Record<
    | "receiptId"
    | "recordSha256"
    | "domain"
    | "visitorId"
    | "consentedAt"
    | "expiresAt"
    | "origin"
    | "action"
    | "bannerMode"
    | "pageUrl"
    | "country"
    | "language"
    | "gpc"
    | "maskedIp"
    | "tcfString"
    | "acString"
    | "gppString"
    | "flags"
    | "scheme"
    | "signature"
    | "keyId"
    | "status"
    | "chain"
    | "contract"
    | "publisher"
    | "transaction"
    | "block"
    | "blockTime"
    | "merkleRoot"
    | "leaf"
    | "category"
    | "consent",
    string
  >;
  actions: Record<ProofAction, string>;
  categories: Record<string, string>;
  given: string;
  refused: string;
  notAsked: string;
  notRecorded: string;
  never: string;
  /** Whether the service's signed statement that it recorded this goes along. */
  origin: { stated: string; missing: string };
  gpc: { honored: string; notHonored: string; notDetected: string };
  flags: Record<ProofFlag, string>;
  anchored: string;
  notAnchored: (proofUrl: string) => string;
  leafOf: (index: number, count: number) => string;
  checking: {
    alone: string;
    page: (url: string) => string;
    signature: (url: string) => string;
  };
  qrCode: string;
  page: (page: number, pages: number) => string;
};
