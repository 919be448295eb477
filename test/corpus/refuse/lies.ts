import type { AnchorReceipt, ReceiptAnchor } from "#protocol/receipt.ts";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Genuine, otherHex, resigned } from "../genuine.ts";

type Change = (draft: AnchorReceipt) => void;
type Case = [name: string, change: Change, reasons: (InvalidReason | UncheckedReason)[], why: string];
const onAnchor =
  (change: (anchor: ReceiptAnchor) => void): Change =>
  ({ anchor }) =>
    change(anchor);

/** Lies that the issuer itself has signed: its key is pinned, and the chain says otherwise. */
const SIGNED: Case[] = [
  [
    "hash",
    (draft) => {
      draft.hash = otherHex(draft.hash);
    },
    ["rootMismatch"],
    "another hash",
  ],
  [
    "root-never-anchored",
    (draft) =>
      void Object.assign(draft, { hash: otherHex(draft.hash), merkleRoot: otherHex(draft.hash), proof: [] }),
    ["pathLengthMismatch", "positionMismatch", "notAnchored"],
    "a root that was never anchored",
  ],
  [
    "chain",
    onAnchor((anchor) => {
      anchor.chainId = 1;
    }),
    ["chainIdMismatch", "notReached"],
    "another chain",
  ],
  [
    "block-before",
    onAnchor((anchor) => {
      anchor.blockNumber -= 1;
    }),
    ["blockNotCanonical"],
    "the block before",
  ],
  [
    "block-to-come",
    onAnchor((anchor) => {
      anchor.blockNumber += 1_000;
    }),
    ["blockNumberMismatch"],
    "a block that is still to come",
  ],
  [
    "block-hash",
    onAnchor((anchor) => {
      anchor.blockHash = otherHex(anchor.blockHash);
    }),
    ["blockNotCanonical"],
    "a block that never was",
  ],
  [
    "time-earlier",
    onAnchor((anchor) => {
      anchor.blockTimestamp -= 86_400;
    }),
    ["blockTimestampMismatch"],
    "a time one day earlier",
  ],
  [
    "time-later",
    onAnchor((anchor) => {
      anchor.blockTimestamp += 1;
    }),
    ["blockTimestampMismatch"],
    "a time one second later",
  ],
  [
    "transaction",
    onAnchor((anchor) => {
      anchor.txHash = otherHex(anchor.txHash);
    }),
    ["txHashMismatch"],
    "another transaction",
  ],
  [
    "log-index",
    onAnchor((anchor) => {
      anchor.logIndex += 1;
    }),
    ["logIndexMismatch"],
    "another place of its event",
  ],
  [
    "leaf-count-of-same-length",
    onAnchor((anchor) => {
      anchor.leafCount = 8;
    }),
    ["leafCountMismatch"],
    "one leaf more, which asks for a path of the same length",
  ],
  [
    "leaf-count-of-other-length",
    onAnchor((anchor) => {
      anchor.leafCount = 9;
    }),
    ["pathLengthMismatch", "positionMismatch", "leafCountMismatch"],
    "two leaves more, which ask for a longer path",
  ],
  [
    "leaf-index",
    onAnchor((anchor) => {
      anchor.leafIndex = 3;
    }),
    ["positionMismatch"],
    "another leaf's place",
  ],
  [
    "publisher",
    onAnchor((anchor) => {
      anchor.publisher = otherHex(anchor.publisher);
    }),
    ["publisherNotAsPinned", "notAnchored"],
    "another publisher",
  ],
];

/** Receipts that their issuer has signed, and of which the chain holds something else. */
export function lieFamily(genuine: Genuine): CorpusFile[] {
  const signed = SIGNED.map(([name, change, reasons, what]) =>
    refused(`lie-${name}`, resigned(genuine.usual, change), reasons, `The issuer has signed ${what}.`),
  );
  return [...signed, ...unpinned(genuine), ...twinBlock(genuine)];
}

/** Nothing is pinned, and they are false all the same. */
function unpinned({ usual }: Genuine): CorpusFile[] {
  const pins = "none";
  return [
    refused(
      "unpinned-contract-without-code",
      resigned(usual, ({ anchor }) => {
        anchor.contractAddress = otherHex(anchor.contractAddress);
      }),
      ["contractNotFound"],
      "There is no contract at the address.",
      { pins },
    ),
    refused(
      "unpinned-publisher",
      resigned(usual, ({ anchor }) => {
        anchor.publisher = otherHex(anchor.publisher);
      }),
      ["notAnchored"],
      "This publisher has anchored nothing.",
      { pins },
    ),
    refused(
      "unpinned-block-to-come",
      resigned(usual, (draft) => {
        draft.anchor.blockNumber += 1_000;
        Object.assign(draft, { hash: otherHex(draft.hash), merkleRoot: otherHex(draft.hash), proof: [] });
        Object.assign(draft.anchor, { leafCount: 1, leafIndex: 0 });
      }),
      ["rpcBehind", "notReached"],
      "The node has neither the anchor nor the block yet.",
      { pins },
    ),
  ];
}

/** Another block of the same second, which agrees with the contract's state. */
function twinBlock({ receipt, twinBlock: twin }: Genuine): CorpusFile[] {
  const last = receipt("last", 1);
  return [
    refused(
      "lie-block-of-same-second",
      resigned(last, ({ anchor }) => void Object.assign(anchor, twin)),
      ["eventMissing"],
      "The block is of the anchor's second, and the anchor's transaction is in another one.",
    ),
    refused(
      "lie-block-of-same-second-and-transaction",
      resigned(last, ({ anchor }) => void Object.assign(anchor, twin, { txHash: otherHex(anchor.txHash) })),
      ["eventNotServed", "notReached"],
      "The block is of the anchor's second, and nobody has the transaction.",
    ),
    refused(
      "block-not-final",
      resigned(last, ({ anchor }) => {
        anchor.blockHash = otherHex(anchor.blockHash);
      }),
      ["blockNotFinal", "notReached"],
      "The node has another block there, which may still be reorganised away.",
      { node: "namesNoFinalBlock" },
    ),
  ];
}
