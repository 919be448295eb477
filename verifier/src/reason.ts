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
  originMismatch:
    "The statement of origin is of another record, another surface or another time than what it goes along with.",
  badOriginSignature:
    "The statement of origin is not signed, over the key that it names, by the key that signed the receipt.",
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
  contractNotFound: "No anchor registry answers at the contract's address.",
  notAnchored: "The contract holds no anchor of this root by this publisher.",
  leafCountMismatch: "The root is anchored with another number of leaves.",
  blockNumberMismatch: "The anchor is on chain, in an earlier block than the receipt names.",
  blockTimestampMismatch: "The anchor, or its block, has another time on chain.",
  blockNotCanonical:
    "The chain has another block at that number: it was reorganised, or the block never was.",
  eventMissing: "The block holds no event of this anchor: its transaction is in another block.",
  txHashMismatch: "The anchor was made by another transaction.",
  logIndexMismatch: "The anchor's event stands at another place in its block.",
} as const;

/** Why a receipt could not be checked: a closed list. Nothing is said about the receipt then. */
export const uncheckedReasons = {
  rpcUnusable: "The RPC did not answer, or not with what was asked.",
  rpcContradictory: "The node's answers contradict each other: ask another node.",
  chainIdMismatch: "The RPC serves another chain than the receipt's: name an RPC of that chain.",
  rpcBehind: "The node behind the RPC URL has not reached the receipt's block yet.",
  blockNotFinal: "The node has another block there, which is not final yet: ask again later or another node.",
  eventNotServed:
    "The node does not serve the anchor's event, which it may have pruned: ask a node that keeps all logs.",
  notAnchoredYet: "The record has no receipt: it is not anchored yet.",
  unreadable: "The file cannot be read as a receipt.",
  originMissing:
    "Nothing shows who made this consent record: anybody can make one and have it anchored. A service that did adds its statement of origin.",
  originKeyUnknown:
    "The statement of origin does not show that the holder of the receipt's key lets its signer speak for it.",
  contractUnknown:
    "The receipt names a contract that is not this release's registry: name the one that you trust with --contract.",
  notFinalEnough: "The block is not as final as was asked for.",
  pinMissing: "A strict check needs to be told what to hold this against.",
  pdfChanged:
    "The PDF was changed after it was signed, so its pages may say anything. To check the receipt alone, save the attachment receipt.json and give that.",
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
  rearranged:
    "The file was rearranged since it was issued (its members stand in another order); the signature stands over their original order.",
  siteDiffers:
    "The record names another domain than the API key speaks for that recorded it, as a withdrawal by another key of the same customer does.",
  createdLongBefore:
    "The record says that it was made more than a day before its block: the chain proves no earlier time than the block's.",
  pagesNotCompared:
    "This verdict is about the receipt inside of the PDF. What the PDF's pages say was not compared with it.",
  pdfRevised: "The PDF was changed after it was first written, which its pages may show or not.",
  pdfSignatureUnchecked: "The PDF carries a signature that could not be checked here.",
} as const;

export type InvalidReason = keyof typeof invalidReasons;
export type UncheckedReason = keyof typeof uncheckedReasons;
export type Warning = keyof typeof warnings;
