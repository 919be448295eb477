/** Why a receipt is not valid: a closed list, each with what it means for a person. */
export const invalidReasons = {
  notAReceipt:
    "This is no receipt: a member is missing, of another type or out of bounds, or the answer around it is about another hash.",
  notARecord: "What goes along with the receipt is no consent record: _sd is no list of different digests.",
  recordDigestMismatch: "The receipt is not of this consent record: over _sd stands another digest.",
  notADisclosure: "A disclosure is none, or names what another one names.",
  disclosureNotInRecord: "A disclosure does not belong to the record: its digest is not in _sd.",
  claimNotInRecord:
    "What is said in plain sight is not what the receipt or the consent's record says, or the record's field was not disclosed.",
  createdAfterBlock:
    "The record says that it was made after the block that holds its anchor, or names no time.",
  badJwtSignature: "The JWT is not signed with the pinned RSA key, or what was given is no JWT.",
  startMissing: "The first record of the history names one before it, which is left out.",
  linkBroken:
    "A record of the history does not name the one before it: one between them is left out, or they are in another order.",
  threadMixed: "The records of the history are of different subjects, issuers, targets or scopes.",
  timesMixed: "A record of the history says that it was made before the one that it follows.",
  statementMismatch: "The service has signed another number of records, or another one as the last.",
  kidMismatch: "kid is not the thumbprint of publicKey.",
  badSignature: "The signature does not stand over this receipt with the key in it.",
  pathLengthMismatch:
    "The path has another length than this leaf's place in the tree demands; an inner node may be posing as a leaf.",
  positionMismatch: "A step of the path stands on another side than this leaf's place in the tree demands.",
  rootMismatch: "The path does not lead from the hash to the Merkle root.",
  keyNotAsPinned: "The receipt is signed with another key than the pinned one.",
  publisherNotAsPinned: "The receipt names another publisher than the pinned one.",
  contractNotAsPinned: "The receipt names another contract than the pinned one.",
  chainIdMismatch: "The receipt names another chain than the one behind the RPC URL.",
  contractNotFound: "No anchor registry answers at the contract's address.",
  notAnchored: "The contract holds no anchor of this root by this publisher.",
  leafCountMismatch: "The root is anchored with another number of leaves.",
  blockNumberMismatch: "The anchor is on chain, in an earlier block than the receipt names.",
  blockTimestampMismatch: "The anchor, or its block, has another time on chain.",
  blockNotCanonical:
    "The chain has another block at that number: it was reorganised, or the block never was.",
  eventMissing: "The block holds no event of this anchor.",
  txHashMismatch: "The anchor was made by another transaction.",
  logIndexMismatch: "The anchor's event stands at another place in its block.",
} as const;

/** Why a receipt could not be checked: a closed list. Nothing is said about the receipt then. */
export const uncheckedReasons = {
  rpcUnusable: "The RPC did not answer, or not with what was asked.",
  rpcBehind: "The node behind the RPC URL has not reached the receipt's block yet.",
  notAnchoredYet: "The record has no receipt: it is not anchored yet.",
  previousWithheld: "Which record came before is among what was left out or erased.",
  threadWithheld: "Whose record it is, or what it is about, is among what was left out or erased.",
  createdWithheld: "When a record was made is among what was left out or erased.",
  statementMissing:
    "The history holds no statement of the service, which alone says how many records there are.",
  noWebCrypto: "This browser checks signatures on https and on localhost alone.",
  notReached: "Not looked at, because an earlier check had no result to go on from.",
} as const;

/** What does not change the verdict, and what somebody may want to know all the same. */
export const warnings = {
  finalityUnknown:
    "The node names no safe and no finalized block, so all that is known is that the anchor is in the chain now.",
  safeUnknown:
    "The node names no safe block, so a block that is safe and not yet finalized shows as included.",
  finalizedUnknown: "The node names no finalized block, so a block that is final shows as safe or included.",
} as const;

export type InvalidReason = keyof typeof invalidReasons;
export type UncheckedReason = keyof typeof uncheckedReasons;
export type Warning = keyof typeof warnings;
