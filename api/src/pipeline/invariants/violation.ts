/** What must hold at any moment, in any state of the pipeline, after any crash: a closed list, each with what its breach means. */
export const invariants = {
  batchUnknown: "A submission names a batch that does not exist or is another chain's.",
  leafMisplaced: "A submission's content hash is not at its leaf index in its batch's tree.",
  earliestAmbiguous:
    "Two different receipts of one content hash, or two submissions of one id, have the same claim to be the earliest.",
  treeMissing: "A batch has no tree.",
  treeWrong:
    "Over the batch's leaves stand other nodes, another root or another leaf count than follow from them.",
  leafRepeated: "A content hash stands twice in one tree.",
  leafUnsubmitted: "A leaf is neither a submission's nor the filler that the leaves before it call for.",
  tenantsWrong:
    "A batch is listed for other tenants than those with submissions in it, or with another number of them.",
  stateContradicted: "A batch's columns contradict its state.",
  attemptMissing: "A batch waits for a transaction that is not stored.",
  receiptsMissing: "An anchored batch has no receipts.",
  receiptsUnexpected: "A batch that is not anchored has receipts.",
  receiptsIncomplete: "An anchored batch has more or fewer signatures than leaves.",
  keyUnknown: "The key that signed a batch's receipts is not known, or its id is not its thumbprint.",
  signatureWrong: "A receipt's signature does not stand over the receipt.",
  indexDisagrees: "The index holds no such anchor for an anchored batch, or another one.",
  consentUnsubmitted: "A consent has no submission with its id and its record digest.",
  recordDigestWrong:
    "A consent's record digest does not follow from its disclosures and the digests of erased ones.",
  threadBroken:
    "A consent does not continue the record before it in its thread, or two continue the same one.",
  contractDisagrees: "The contract or its chain, asked over RPC, contradicts an anchored batch.",
  totalsWrong: "A tenant's counted hashes, batches or anchored hashes are not as many as there are.",
  deviceCountWrong: "A device's counted submissions are not as many as there are.",
  signerUnproven:
    "What a device has signed is no submission of its tenant, or its signature does not stand under its key.",
} as const;

export type InvariantKind = keyof typeof invariants;

export type Violation = {
  kind: InvariantKind;
  batchId: string | null;
  /** 0x and 64 digits, where one content hash is concerned. */
  contentHash: `0x${string}` | null;
  /** What was found, for people. */
  found: string;
};

export type Report = (violation: Partial<Violation> & Pick<Violation, "kind" | "found">) => void;
