import type { AnchorReceipt, ReceiptAnchor } from "#protocol/receipt.ts";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { changed, type Genuine, otherHex } from "../genuine.ts";

type Change = (draft: AnchorReceipt) => void;
type Case = [name: string, change: Change, reasons: (InvalidReason | UncheckedReason)[], why: string];
const onAnchor =
  (change: (anchor: ReceiptAnchor) => void): Change =>
  ({ anchor }) =>
    change(anchor);

/** A signed member with another value, which nobody has signed. */
const UNSIGNED: Case[] = [
  [
    "hash",
    (draft) => {
      draft.hash = otherHex(draft.hash);
    },
    ["badSignature", "rootMismatch"],
    "hash",
  ],
  [
    "merkleRoot",
    (draft) => {
      draft.merkleRoot = otherHex(draft.merkleRoot);
    },
    ["badSignature", "rootMismatch", "notAnchored"],
    "merkleRoot",
  ],
  [
    "position",
    ({ proof }) => {
      proof[0]!.position = proof[0]!.position === "left" ? "right" : "left";
    },
    ["badSignature", "positionMismatch"],
    "The side of a step",
  ],
  [
    "chainId",
    onAnchor((anchor) => {
      anchor.chainId = 1;
    }),
    ["badSignature"],
    "chainId",
  ],
  [
    "contractAddress",
    onAnchor((anchor) => {
      anchor.contractAddress = otherHex(anchor.contractAddress);
    }),
    ["badSignature", "contractNotAsPinned", "contractNotFound"],
    "contractAddress",
  ],
  [
    "txHash",
    onAnchor((anchor) => {
      anchor.txHash = otherHex(anchor.txHash);
    }),
    ["badSignature", "txHashMismatch"],
    "txHash",
  ],
  [
    "blockNumber",
    onAnchor((anchor) => {
      anchor.blockNumber -= 1;
    }),
    ["badSignature", "blockNotCanonical"],
    "blockNumber",
  ],
  [
    "blockTimestamp",
    onAnchor((anchor) => {
      anchor.blockTimestamp -= 1;
    }),
    ["badSignature", "blockTimestampMismatch"],
    "blockTimestamp",
  ],
  [
    "publisher",
    onAnchor((anchor) => {
      anchor.publisher = otherHex(anchor.publisher);
    }),
    ["badSignature", "publisherNotAsPinned", "notAnchored"],
    "publisher",
  ],
  [
    "blockHash",
    onAnchor((anchor) => {
      anchor.blockHash = otherHex(anchor.blockHash);
    }),
    ["badSignature", "blockNotCanonical"],
    "blockHash",
  ],
  [
    "logIndex",
    onAnchor((anchor) => {
      anchor.logIndex += 1;
    }),
    ["badSignature", "logIndexMismatch"],
    "logIndex",
  ],
  [
    "leafCount",
    onAnchor((anchor) => {
      anchor.leafCount = 8;
    }),
    ["badSignature", "leafCountMismatch"],
    "leafCount",
  ],
  [
    "leafIndex",
    onAnchor((anchor) => {
      anchor.leafIndex = 3;
    }),
    ["badSignature", "positionMismatch"],
    "leafIndex",
  ],
];

/** Receipts that say something else than what was issued. */
export function changeFamily({ usual }: Genuine): CorpusFile[] {
  const unsigned = UNSIGNED.map(([name, change, reasons, what]) =>
    refused(`changed-${name}`, changed(usual, change), reasons, `${what} was changed after signing.`),
  );
  const steps = usual.proof.map((_, place) =>
    refused(
      `changed-proof-${place}`,
      changed(usual, ({ proof }) => {
        proof[place]!.data = otherHex(proof[place]!.data);
      }),
      ["badSignature", "rootMismatch"],
      `Step ${place} of the path was changed after signing.`,
    ),
  );
  return [...unsigned, ...steps];
}
