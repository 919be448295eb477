import { base64ToBytes, bytesToHex, hexToBytes } from "#protocol/bytes.ts";
import { expectedPositions, rootOf } from "#protocol/merklePath.ts";
import { type AnchorReceipt, inIssuedOrder } from "#protocol/receipt.ts";
import { isReceiptSigned, keyIdOf } from "#protocol/receiptSignature.ts";
import type { Warning } from "./reason.ts";
import { type Check, failed, passed } from "./verification.ts";

export type StatementFindings = { checks: Check[]; warnings: Warning[] };

/** What a receipt proves by itself, without the chain: key id, signature, path length, sides and path. */
export function checkStatement(receipt: AnchorReceipt): StatementFindings {
  const { check, warnings } = checkSignature(receipt);
  const checks = [
    checkKeyId(receipt),
    check,
    checkPathLength(receipt),
    checkPositions(receipt),
    checkPath(receipt),
  ];
  return { checks, warnings };
}

function checkKeyId({ publicKey, kid }: AnchorReceipt): Check {
  const thumbprint = keyIdOf(base64ToBytes(publicKey));
  return kid === thumbprint ? passed("keyId") : failed("keyId", "kidMismatch", kid, thumbprint);
}

function checkSignature(receipt: AnchorReceipt): { check: Check; warnings: Warning[] } {
  if (isReceiptSigned(receipt)) return { check: passed("signature"), warnings: [] };
  const issued = inIssuedOrder(receipt);
  if (issued !== null && isReceiptSigned(issued))
    return { check: passed("signature"), warnings: ["rearranged"] };
  const check = failed("signature", "badSignature", receipt.signature, "no signature of this receipt");
  return { check, warnings: [] };
}

function checkPathLength({ proof, anchor: { leafCount, leafIndex } }: AnchorReceipt): Check {
  const expected = expectedPositions(leafCount, leafIndex).length;
  if (proof.length === expected) return passed("pathLength");
  return failed("pathLength", "pathLengthMismatch", proof.length, expected);
}

/** Pairs are sorted, so the sides decide nothing; but one that contradicts leafIndex makes the receipt untrue. */
function checkPositions({ proof, anchor: { leafCount, leafIndex } }: AnchorReceipt): Check {
  const claimed = proof.map(({ position }) => position).join(" ");
  const expected = expectedPositions(leafCount, leafIndex).join(" ");
  if (claimed === expected) return passed("positions");
  return failed("positions", "positionMismatch", claimed, expected);
}

function checkPath({ hash, merkleRoot, proof }: AnchorReceipt): Check {
  const path = proof.map(({ data }) => hexToBytes(data));
  const root = bytesToHex(rootOf(hexToBytes(hash), path));
  return root === merkleRoot.toLowerCase()
    ? passed("path")
    : failed("path", "rootMismatch", merkleRoot, root);
}
