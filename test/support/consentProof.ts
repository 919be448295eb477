import type { ConsentProof } from "#api/consentProof/pdf/proof.ts";

/** A consent proof with everything that one can have. */
export const PROOF: ConsentProof = {
  receiptId: "rcpt_7f3a",
  recordSha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  domain: "shop.example",
  visitorId: "visitor-1",
  consentedAt: new Date("2026-11-20T10:30:00Z"),
  expiresAt: new Date("2027-11-20T10:30:00Z"),
  createdAt: new Date("2026-11-20T10:30:01Z"),
  action: "custom_selection",
  categories: { necessary: true, functional: true, analytics: false, advertising: false },
  bannerMode: "opt-in",
  pageUrl: "https://shop.example/čokolada",
  country: "RS",
  language: "sr",
  gpc: { detected: true, honored: false },
  maskedIp: "203.0.113.0",
  hasOrigin: true,
  tcfString: "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
  acString: "1~1.35.41.101",
  gppString: "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
  flags: ["tcf_contradicts_categories"],
  signature: { scheme: "HMAC-SHA256", value: "d2".repeat(32), keyId: "key-1" },
  anchor: {
    chainId: 137,
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: `0x${"b0".repeat(20)}`,
    txHash: `0x${"ab".repeat(32)}`,
    blockNumber: 65_432_100,
    blockTimestamp: 1_795_190_400,
    merkleRoot: `0x${"cd".repeat(32)}`,
    leafIndex: 41,
    leafCount: 5_000,
  },
};
/** What a proof PDF carries, cut short. */
export const RECEIPT_JSON = Buffer.from(JSON.stringify({ receipt: { hash: `0x${PROOF.recordSha256}` } }));
export const PROOF_URLS = {
  receiptPage: "https://holdfast.example/receipt/rcpt_7f3a",
  proofPdf: "https://holdfast.example/receipt/rcpt_7f3a/pdf",
  verifyProof: "https://holdfast.example/api/consent/verify-proof",
};
