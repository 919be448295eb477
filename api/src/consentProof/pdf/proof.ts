/** What a consent proof shows (OS-2): no browser or device details and no full IP address are among it. */
export type ConsentProof = {
  /** `receipt_id`, or the first 16 characters of the record's SHA-256 for a record without one. */
  receiptId: string;
  /** 64 hex digits: the record digest, which is the content hash that gets anchored (protocol §7). */
  recordSha256: string;
  domain: string;
  visitorId: string;
  consentedAt: Date;
  expiresAt: Date | null;
  /** When the service recorded it. */
  createdAt: Date;
  action: ProofAction;
  /** Consent by category; one that is absent was not asked for. */
  categories: Readonly<Record<string, boolean>>;
  bannerMode: string | null;
  pageUrl: string | null;
  country: string | null;
  language: string | null;
  /** Global Privacy Control: whether the browser sent it, and whether it was applied. */
  gpc: { detected: boolean; honored: boolean } | null;
  maskedIp: string | null;
  tcfString: string | null;
  acString: string | null;
  gppString: string | null;
  /** Signals that cannot be read or that contradict the categories (OS-7). */
  flags: readonly ProofFlag[];
  signature: ProofSignature;
  /** Whether the service's statement that it recorded this goes along (protocol §7). */
  hasOrigin: boolean;
  /** Null until the record is anchored. */
  anchor: ProofAnchor | null;
};

export type ProofAction = "accept_all" | "reject_all" | "custom_selection" | "gpc_auto_applied" | "dismissed";

export type ProofFlag = `${"tcf" | "ac" | "gpp"}_${"not_decodable" | "contradicts_categories"}`;

/** OS-4; `SHA-256` stands for a record from before the signing key existed, whose value is its digest. */
export type ProofSignature = { scheme: "HMAC-SHA256" | "SHA-256"; value: string; keyId: string | null };

/** Where the record's digest is on chain. */
export type ProofAnchor = {
  chainId: number;
  contractAddress: string;
  publisher: string;
  txHash: string;
  blockNumber: number;
  /** Seconds since 1970. */
  blockTimestamp: number;
  merkleRoot: string;
  leafIndex: number;
  leafCount: number;
};

/** The optional categories and the necessary one, in the order in which the source lists them. */
export const PROOF_CATEGORIES = [
  "necessary",
  "functional",
  "analytics",
  "advertising",
  "performance",
] as const;
