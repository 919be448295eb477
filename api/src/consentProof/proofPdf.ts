import { decodeDisclosure } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import { receiptUrl } from "./describeProof.ts";
import type { ConsentProof, ProofAnchor } from "./pdf/proof.ts";
import type { ProofPdfInput } from "./pdf/renderProofPdf.ts";
import type { ProofLanguage } from "./pdf/words.ts";
import type { ProofRecord } from "./proofRecord.ts";

/** What a document that is handed around does not carry: not even keyed, an address of the visitor. */
const LEFT_OUT = ["ip_hash", "user_agent"];

/** A record and how far it is anchored, as its PDF is made of. Null once the visitor is erased. */
export function proofPdfInput(
  record: ProofRecord,
  described: ConsentDescription,
  { language, publicUrl }: { language: ProofLanguage; publicUrl: string },
): ProofPdfInput | null {
  const { visitorId, signature } = record;
  if (visitorId === null) return null;
  const proof: ConsentProof = {
    ...record,
    visitorId,
    signature: signature
      ? { scheme: signature.scheme, value: signature.value, keyId: signature.key_id }
      : { scheme: "SHA-256", value: record.recordSha256, keyId: null },
    hasOrigin: described.origin !== null,
    anchor: described.receipt && anchorOf(described.receipt),
  };
  const page = receiptUrl(publicUrl, record.receiptId);
  return {
    proof,
    language,
    receiptJson: Buffer.from(JSON.stringify(receiptJson(described), null, 2)),
    urls: {
      receiptPage: page,
      proofPdf: `${page}/pdf`,
      verifyProof: `${publicUrl}/api/consent/verify-proof`,
    },
  };
}

/** What the verifier takes out of the PDF. */
function receiptJson({ receipt, disclosures, sd, origin }: ConsentDescription) {
  const shown = disclosures.filter((disclosure) => !LEFT_OUT.includes(decodeDisclosure(disclosure).name));
  return { receipt, disclosures: shown, _sd: sd, origin };
}

function anchorOf({ merkleRoot, anchor }: AnchorReceipt): ProofAnchor {
  const { chainId, contractAddress, publisher, txHash, blockNumber, blockTimestamp, leafIndex, leafCount } =
    anchor;
  return {
    chainId,
    contractAddress,
    publisher,
    txHash,
    blockNumber,
    blockTimestamp,
    merkleRoot,
    leafIndex,
    leafCount,
  };
}
