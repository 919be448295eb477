import { type CorpusFile, refused } from "../corpusFile.ts";
import { consentAnswer, type Json, logAnswer, proofRecordAnswer, withheld } from "../formats.ts";
import type { Genuine } from "../genuine.ts";

const OTHER = "5e".repeat(32);
const LATER = "2999-01-01T00:00:00.000Z";

/** Around a genuine proof, the file says something else than what is proven. */
export function claimFamily(genuine: Genuine): CorpusFile[] {
  return [...aroundReceipts(genuine), ...aroundRecords(genuine)];
}

const refuse = (name: string, content: object | string, why: string) =>
  refused(`claim-${name}`, content, ["claimNotInRecord"], why);

function aroundReceipts({ usual, receipt }: Genuine): CorpusFile[] {
  const { anchor } = usual;
  const notAbout = (name: string, content: object, why: string) =>
    refused(`claim-${name}`, content, ["notAReceipt"], why);
  return [
    notAbout(
      "hash-of-another-document",
      { verified: true, hash: receipt("seven", 0).hash, receipt: usual },
      "The answer is about another hash than its receipt.",
    ),
    notAbout(
      "not-verified",
      { verified: false, hash: usual.hash, receipt: usual },
      "The answer says that nothing is verified.",
    ),
    refuse("proof-hash", { proof_hash: `sha256:${OTHER}`, receipt: usual }, "proof_hash is another hash."),
    refuse("proofHash", { proofHash: OTHER, receipt: usual }, "proofHash is another hash."),
    refuse("content-hash", { content_hash: `0x${OTHER}`, receipt: usual }, "content_hash is another hash."),
    refuse("record-sha256", { record_sha256: OTHER, receipt: usual }, "record_sha256 is another hash."),
    refuse(
      "hash-upper-case",
      { proof_hash: `SHA256:${OTHER.toUpperCase()}`, receipt: usual },
      "proof_hash is another hash, in capitals.",
    ),
    refuse(
      "hash-upper-case-0X",
      { contentHash: `0X${OTHER.toUpperCase()}`, receipt: usual },
      "contentHash is another hash, in capitals with 0X.",
    ),
    refuse(
      "hash-with-blank",
      { content_hash: `${usual.hash} `, receipt: usual },
      "content_hash is followed by a blank.",
    ),
    refuse(
      "block-hash-upper-case",
      { anchor: { blockHash: `0x${OTHER.toUpperCase()}` }, receipt: usual },
      "The answer's block hash is another one, in capitals.",
    ),
    refuse("hash-number", { contentHash: 7, receipt: usual }, "contentHash is a number."),
    refuse(
      "hash-in-receipt",
      { ...usual, proof_hash: OTHER },
      "The receipt carries another hash, which nobody signed.",
    ),
    refuse("made-later", { created_at: LATER, receipt: usual }, "created_at is later than the block."),
    refuse("createdAt-later", { createdAt: LATER, receipt: usual }, "createdAt is later than the block."),
    refuse(
      "anchor-block",
      { verified: true, hash: usual.hash, anchor: { ...anchor, blockNumber: 1 }, receipt: usual },
      "The answer's anchor is in another block than its receipt's.",
    ),
    refuse(
      "anchor-time",
      { verified: true, hash: usual.hash, anchor: { onChainTimestamp: 1_000_000_000 }, receipt: usual },
      "The answer's anchor has another time than its receipt's.",
    ),
    refuse("transaction", { txHash: `0x${OTHER}`, receipt: usual }, "txHash is another transaction."),
    refuse(
      "publisher",
      { publisher: `0x${"ab".repeat(20)}`, receipt: usual },
      "publisher is another address.",
    ),
    refuse(
      "block-in-hex-digits",
      { blockNumber: `0x${anchor.blockNumber}`, receipt: usual },
      "blockNumber is a text whose digits would be another number.",
    ),
    refuse(
      "status-beside-data",
      { verified: false, data: { receipt: usual } },
      "Beside the data stands that nothing is verified.",
    ),
  ];
}

function aroundRecords({ consents: { log, logByTenant, gate, proof, first } }: Genuine): CorpusFile[] {
  const answer = logAnswer(log).data;
  const record = answer.record as Json;
  return [
    refuse(
      "record-action",
      { data: { ...answer, record: { ...record, action: "decline" } } },
      "The readable record says another action.",
    ),
    refuse(
      "record-more",
      { data: { ...answer, record: { ...record, note: "x" } } },
      "The readable record has a field more.",
    ),
    refuse("record-text", { ...answer, record: "decline" }, "The readable record is a text."),
    refuse(
      "record-of-what-was-withheld",
      { ...logAnswer(withheld(log, "visitor")).data, record },
      "The readable record tells a visitor whose disclosure was withheld.",
    ),
    refuse(
      "record-nested",
      { ...answer, record: { ...record, metadata: { order: "ORD-2", list: [1, null, "\u010dokolada"] } } },
      "The readable record has another value inside of a field.",
    ),
    refuse(
      "record-proof-hash",
      { data: { ...answer, proof_hash: `sha256:${logByTenant.record.digest}` } },
      "proof_hash is another record's.",
    ),
    refuse(
      "record-created-at",
      { data: { ...answer, created_at: "2026-03-02T00:10:00.346Z" } },
      "created_at is another millisecond.",
    ),
    refuse("record-createdAt", { ...consentAnswer(gate), createdAt: LATER }, "createdAt is another time."),
    refuse(
      "record-sha256-of-another",
      { ...proofRecordAnswer(proof), record_sha256: OTHER },
      "record_sha256 is another hash.",
    ),
    refuse(
      "event-action",
      { ...first.proof, event: { action: false } },
      "The event says a decline, and the record a grant.",
    ),
    refuse("event-id", { ...first.proof, event: { id: OTHER } }, "The event has another id."),
    refuse("event-text", { ...first.proof, event: "declined" }, "The event is a text."),
    refuse(
      "event-delegate",
      { ...first.proof, event: { delegate: "somebody" } },
      "The event names a delegate, and the record has none.",
    ),
    refused(
      "claim-event-without-record",
      { event: { action: false }, receipt: first.proof.receipt },
      ["notARecord"],
      "An event stands beside a receipt, and nothing ties them together.",
    ),
  ];
}
