import { WORDS } from "./languages.ts";
import { printable } from "./printable.ts";
import { type ConsentProof, PROOF_CATEGORIES } from "./proof.ts";
import { qrCode } from "./qrCode.ts";
import { type Cell, Sheet } from "./sheet.ts";
import { categoryName, type ProofLanguage, type Words } from "./words.ts";

export type ProofPdfInput = {
  proof: ConsentProof;
  language: ProofLanguage;
  /** The bytes of `receipt.json`, which the verifier takes out of the document again. */
  receiptJson: Uint8Array;
  /** Public addresses: the receipt page, this document, and where a signature is checked. */
  urls: { receiptPage: string; proofPdf: string; verifyProof: string };
  /** Whether the document has a place for a signature. */
  isToBeSigned?: boolean;
};

const QR_SIDE = 84;
const FILE_NAME = "receipt.json";

type Row = Parameters<Sheet["rows"]>[0][number];

/**
 * The consent proof as PDF/A-3a (OS-2): real, tagged text in the language asked for, the receipt
 * embedded as a file. Times are in UTC and come from the record, so the same record gives the same
 * bytes, whatever its thread rendered before.
 */
export async function renderProofPdf({
  proof,
  language,
  receiptJson,
  urls,
  isToBeSigned = false,
}: ProofPdfInput): Promise<Uint8Array> {
  const words = WORDS[language];
  // Ours, not the visitor's clock: a signed document says that it was signed then.
  const { createdAt } = proof;
  const modifiedAt = proof.anchor ? new Date(proof.anchor.blockTimestamp * 1_000) : createdAt;
  const sheet = new Sheet({ title: `${words.title} ${proof.receiptId}`, language, createdAt, modifiedAt });
  sheet.title(words.title, words.subtitle(printable(proof.domain, "text")), {
    side: QR_SIDE,
    alt: words.qrCode,
    draw: qrCode(urls.receiptPage, QR_SIDE),
  });
  sheet.section(words.sections.record);
  sheet.rows(recordRows(proof, words));
  sheet.section(words.sections.choice);
  sheet.rows(choiceRows(proof, words));
  sheet.section(words.sections.context);
  sheet.rows(contextRows(proof, words));
  const signals = signalRows(proof, words);
  if (signals.length > 0) {
    sheet.section(words.sections.signals);
    sheet.rows(signals);
  }
  sheet.section(words.sections.signature);
  sheet.rows(signatureRows(proof, words));
  sheet.section(words.sections.anchor);
  if (proof.anchor) sheet.rows(anchorRows(proof.anchor, words));
  else sheet.paragraph(words.notAnchored(urls.proofPdf));
  sheet.section(words.sections.checking);
  sheet.paragraph(words.checking.alone);
  sheet.paragraph(words.checking.page(urls.receiptPage));
  sheet.paragraph(words.checking.signature(urls.verifyProof));
  sheet.attach(FILE_NAME, receiptJson, "application/json", modifiedAt);
  if (isToBeSigned) sheet.leaveSignaturePlace(modifiedAt);
  const name = `${words.title} ${proof.receiptId}`;
  return sheet.finish((page, pages) => `${name}  ·  ${words.page(page, pages)}`);
}

function recordRows(proof: ConsentProof, { labels, never, origin }: Words): Row[] {
  return [
    code(labels.receiptId, proof.receiptId),
    code(labels.recordSha256, proof.recordSha256),
    recorded(labels.domain, proof.domain),
    code(labels.visitorId, proof.visitorId),
    said(labels.consentedAt, utc(proof.consentedAt)),
    said(labels.expiresAt, proof.expiresAt ? utc(proof.expiresAt) : never),
    said(labels.origin, proof.hasOrigin ? origin.stated : origin.missing),
  ];
}

function choiceRows(proof: ConsentProof, words: Words): Row[] {
  const others = Object.keys(proof.categories)
    .filter((category) => !(PROOF_CATEGORIES as readonly string[]).includes(category))
    .sort();
  const consent = (category: string) => {
    if (!Object.hasOwn(proof.categories, category)) return words.notAsked;
    return proof.categories[category] ? words.given : words.refused;
  };
  return [
    said(words.labels.action, words.actions[proof.action]),
    ...[...PROOF_CATEGORIES, ...others].map((category) => ({
      label: exact(categoryName(words, category)),
      value: ours(consent(category)),
    })),
  ];
}

function contextRows(proof: ConsentProof, { labels, gpc, notRecorded }: Words): Row[] {
  const signal =
    proof.gpc && (proof.gpc.detected ? (proof.gpc.honored ? gpc.honored : gpc.notHonored) : gpc.notDetected);
  const recordedOrNot = (label: string, value: string | null) =>
    value === null ? said(label, notRecorded) : recorded(label, value);
  return [
    recordedOrNot(labels.bannerMode, proof.bannerMode),
    recordedOrNot(labels.pageUrl, proof.pageUrl),
    recordedOrNot(labels.country, proof.country),
    recordedOrNot(labels.language, proof.language),
    said(labels.gpc, signal ?? notRecorded),
    recordedOrNot(labels.maskedIp, proof.maskedIp),
  ];
}

function signalRows(proof: ConsentProof, { labels, flags }: Words): Row[] {
  const strings: [string, string | null][] = [
    [labels.tcfString, proof.tcfString],
    [labels.acString, proof.acString],
    [labels.gppString, proof.gppString],
  ];
  return [
    ...strings.flatMap(([label, value]) => (value === null ? [] : [code(label, value)])),
    ...proof.flags.map((flag, index) => said(index === 0 ? labels.flags : "", flags[flag])),
  ];
}

function signatureRows({ signature }: ConsentProof, { labels }: Words): Row[] {
  return [
    said(labels.scheme, signature.scheme),
    code(labels.signature, signature.value),
    ...(signature.keyId === null ? [] : [code(labels.keyId, signature.keyId)]),
  ];
}

function anchorRows(anchor: NonNullable<ConsentProof["anchor"]>, words: Words): Row[] {
  const { labels } = words;
  return [
    said(labels.status, words.anchored),
    said(labels.chain, String(anchor.chainId)),
    code(labels.contract, anchor.contractAddress),
    code(labels.publisher, anchor.publisher),
    code(labels.transaction, anchor.txHash),
    said(labels.block, String(anchor.blockNumber)),
    said(labels.blockTime, utc(new Date(anchor.blockTimestamp * 1_000))),
    code(labels.merkleRoot, anchor.merkleRoot),
    said(labels.leaf, words.leafOf(anchor.leafIndex, anchor.leafCount)),
  ];
}

function said(label: string, value: string): Row {
  return { label: ours(label), value: ours(value) };
}

function recorded(label: string, value: string): Row {
  return { label: ours(label), value: exact(value) };
}

function code(label: string, value: string): Row {
  return { label: ours(label), value: { text: printable(value, "mono"), cut: "exact", font: "mono" } };
}

function ours(text: string): Cell {
  return { text, cut: "words", font: "text" };
}

function exact(text: string): Cell {
  return { text: printable(text, "text"), cut: "exact", font: "text" };
}

/** `2026-11-22 10:30:00 UTC` */
function utc(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
