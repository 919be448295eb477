import { sign } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { keccak256 } from "viem";
import { base64ToBytes, bytesToBase64 } from "#protocol/bytes.ts";
import { type AnchorReceipt, signedBytes } from "#protocol/receipt.ts";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import { signReceipt } from "#test/support/issuedReceipts.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { changed, type Genuine, resigned } from "../genuine.ts";
import { FORGER, SERVICE } from "../keys.ts";

/** Signatures that do not stand, and true statements by somebody else. */
export function signatureFamily(genuine: Genuine): CorpusFile[] {
  const { usual } = genuine;
  return [
    ...otherSignatures(genuine),
    ...otherKeys(usual),
    ...curveTricks(usual),
    ...otherBytes(usual),
    ...otherPaths(genuine),
  ];
}

function otherSignatures({ usual, receipt }: Genuine): CorpusFile[] {
  const having = (signature: string) => ({ ...usual, signature });
  const bytes = base64ToBytes(usual.signature);
  const flipped = Buffer.from(bytes);
  flipped[3]! ^= 1;
  return [
    refused(
      "signature-flipped-bit",
      having(flipped.toString("base64")),
      ["badSignature"],
      "One bit of the signature is another.",
    ),
    refused(
      "signature-zeros",
      having(bytesToBase64(new Uint8Array(64))),
      ["badSignature"],
      "The signature is empty.",
    ),
    refused(
      "signature-of-another-receipt",
      having(receipt("seven", 3).signature),
      ["badSignature"],
      "The signature is that of the next leaf's receipt.",
    ),
    refused(
      "signature-halves-exchanged",
      having(Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)]).toString("base64")),
      ["badSignature"],
      "R and S of the signature are exchanged.",
    ),
  ];
}

function otherKeys(usual: AnchorReceipt): CorpusFile[] {
  const { publicKey, kid } = FORGER;
  return [
    refused(
      "key-of-the-forger",
      signReceipt(usual, FORGER),
      ["keyNotAsPinned"],
      "Somebody else has signed a true statement, and the service's key is pinned.",
    ),
    refused(
      "key-exchanged-for-another",
      { ...usual, publicKey, kid },
      ["badSignature", "keyNotAsPinned"],
      "Key and key id are the forger's, the signature is the service's.",
    ),
    refused(
      "key-without-its-kid",
      { ...usual, publicKey },
      ["kidMismatch", "badSignature", "keyNotAsPinned"],
      "The key is the forger's, the key id is the service's.",
    ),
    refused(
      "kid-of-another-key",
      { ...usual, kid },
      ["kidMismatch"],
      "kid is the thumbprint of another key.",
    ),
    refused(
      "key-of-the-forger-under-the-kid",
      { ...signReceipt(usual, FORGER), kid: SERVICE.kid },
      ["kidMismatch", "keyNotAsPinned"],
      "The forger's receipt carries the service's key id.",
    ),
    refused(
      "signed-by-the-forger-under-the-key",
      { ...signReceipt(usual, FORGER), publicKey: SERVICE.publicKey, kid: SERVICE.kid },
      ["badSignature"],
      "The forger has signed, and the receipt names the service's key.",
    ),
  ];
}

/** What lenient readers of RFC 8032 take for a signature. */
function curveTricks(usual: AnchorReceipt): CorpusFile[] {
  const { ORDER } = ed25519.Point.Fn;
  const signature = base64ToBytes(usual.signature);
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`);
  const moreThanOrder = Buffer.from((s + ORDER).toString(16).padStart(64, "0"), "hex").reverse();
  const identity = Buffer.alloc(32);
  identity[0] = 1;
  const ofOrderFour = Buffer.alloc(32);
  const underSmallKey = (key: Buffer) => ({
    ...usual,
    publicKey: key.toString("base64"),
    kid: keyIdOf(key),
    signature: Buffer.concat([identity, Buffer.alloc(32)]).toString("base64"),
  });
  const nonCanonical = Buffer.from(`ee${"ff".repeat(30)}7f`, "hex");
  return [
    refused(
      "signature-s-plus-order",
      { ...usual, signature: Buffer.concat([signature.subarray(0, 32), moreThanOrder]).toString("base64") },
      ["badSignature"],
      "S is larger than the order of the group, so that the signature could be written in a second way.",
    ),
    refused(
      "key-of-small-order",
      underSmallKey(identity),
      ["badSignature"],
      "Under this key one signature would stand over everything.",
      { pins: "none" },
    ),
    refused(
      "key-of-order-four",
      underSmallKey(ofOrderFour),
      ["badSignature"],
      "The key is a point of order four.",
      { pins: "none" },
    ),
    refused(
      "key-not-canonical",
      underSmallKey(nonCanonical),
      ["badSignature"],
      "The key is a point in an encoding that is not canonical.",
      { pins: "none" },
    ),
  ];
}

/** A genuine key's signature over other bytes than protocol §6 has. */
function otherBytes(usual: AnchorReceipt): CorpusFile[] {
  const signedOver = (bytes: Uint8Array, receipt = usual) => ({
    ...receipt,
    signature: sign(null, bytes, SERVICE.privateKey).toString("base64"),
  });
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const { hash, merkleRoot, proof, anchor } = usual;
  const withMore = changed(usual, (draft) => void Object.assign(draft.anchor, { note: "VALID" }));
  const rearranged = { ...usual, anchor: { note: "VALID", ...anchor } };
  return [
    refused(
      "signed-over-hash-alone",
      signedOver(text({ hash })),
      ["badSignature"],
      "Only the hash was signed.",
    ),
    refused(
      "signed-over-other-order",
      signedOver(text({ anchor, hash, merkleRoot, proof })),
      ["badSignature"],
      "The members were signed in another order than receipts have.",
    ),
    refused(
      "signed-over-spaces",
      signedOver(new TextEncoder().encode(JSON.stringify({ hash, merkleRoot, proof, anchor }, null, 2))),
      ["badSignature"],
      "The text was signed with white space.",
    ),
    refused(
      "signed-over-whole-receipt",
      signedOver(text(usual)),
      ["badSignature"],
      "The whole receipt was signed, its signature included.",
    ),
    refused(
      "signed-over-digest",
      signedOver(Buffer.from(hash.slice(2), "hex")),
      ["badSignature"],
      "The hash's bytes were signed.",
    ),
    refused("extra-member-in-anchor", withMore, ["badSignature"], "anchor has a member that nobody signed."),
    refused(
      "extra-member-in-anchor-rearranged",
      { ...rearranged, signature: usual.signature },
      ["badSignature"],
      "anchor has a member more and stands in another order, which no rearrangement explains.",
    ),
    refused(
      "extra-member-signed-then-moved",
      signedOver(signedBytes(withMore), rearranged),
      ["badSignature"],
      "The issuer signed a member more in anchor, which was put in another place.",
    ),
    refused(
      "extra-member-in-step",
      changed(usual, ({ proof: steps }) => void Object.assign(steps[0]!, { note: "VALID" })),
      ["badSignature"],
      "A step of the path has a member that nobody signed.",
    ),
  ];
}

function otherPaths({ usual, receipt }: Genuine): CorpusFile[] {
  const four = receipt("many 3", 0);
  const pair = [four.hash, four.proof[0]!.data].sort().map((node) => node.slice(2));
  const innerNode = keccak256(`0x${pair.join("")}`);
  const step = { position: "right", data: `0x${"00".repeat(32)}` } as const;
  return [
    refused(
      "path-inner-node-as-leaf",
      resigned(four, (draft) => void Object.assign(draft, { hash: innerNode, proof: four.proof.slice(1) })),
      ["pathLengthMismatch", "positionMismatch"],
      "An inner node poses as a leaf: it leads to the root by a path that is too short.",
    ),
    refused(
      "path-inner-node-as-leaf-of-smaller-tree",
      resigned(four, (draft) => {
        Object.assign(draft, { hash: innerNode, proof: four.proof.slice(1) });
        draft.anchor.leafCount = 2;
      }),
      ["leafCountMismatch"],
      "An inner node poses as a leaf of a tree of two, and the contract holds a tree of four.",
    ),
    refused(
      "path-root-as-leaf",
      resigned(four, (draft) => {
        Object.assign(draft, { hash: four.merkleRoot, proof: [] });
        Object.assign(draft.anchor, { leafCount: 1, leafIndex: 0 });
      }),
      ["leafCountMismatch"],
      "The root poses as the only leaf of its tree.",
    ),
    refused(
      "path-one-step-more",
      resigned(usual, (draft) => void draft.proof.push(step)),
      ["pathLengthMismatch", "positionMismatch", "rootMismatch"],
      "The path has a step too many.",
    ),
    refused(
      "path-one-step-less",
      resigned(usual, (draft) => void draft.proof.pop()),
      ["pathLengthMismatch", "positionMismatch", "rootMismatch"],
      "The path has a step too few.",
    ),
    refused(
      "path-steps-exchanged",
      resigned(usual, (draft) => {
        const [first, second] = draft.proof.map(({ data }) => data);
        draft.proof[0]!.data = second!;
        draft.proof[1]!.data = first!;
      }),
      ["rootMismatch"],
      "Two steps of the path are exchanged.",
    ),
    refused(
      "path-sides-exchanged",
      resigned(usual, (draft) => {
        draft.proof[0]!.position = "left";
      }),
      ["positionMismatch"],
      "A step stands on the other side, which sorted pairs would not notice.",
    ),
    refused(
      "path-of-another-leaf",
      resigned(usual, (draft) => {
        draft.proof = receipt("seven", 0).proof;
      }),
      ["positionMismatch", "rootMismatch"],
      "The path is that of another leaf of the tree.",
    ),
  ];
}
