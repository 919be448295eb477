import { disclosureDigest, encodeDisclosure, type Json } from "#protocol/consentRecord.ts";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { consentAnswer, logAnswer } from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { saltOf } from "../records.ts";

const STRANGER = encodeDisclosure({ salt: saltOf("a stranger"), name: "scope", value: "all" });

function rawDisclosure(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** Records that are not what was anchored, and disclosures that are not of the record. */
export function disclosureFamily(genuine: Genuine): CorpusFile[] {
  return [...otherDisclosures(genuine), ...otherDigests(genuine), ...otherTimes(genuine)];
}

function otherDisclosures({ consents: { log, first } }: Genuine): CorpusFile[] {
  const { record, proof } = log;
  const [type, action, ...rest] = record.disclosures as [string, string, ...string[]];
  const said = (value: Json) => encodeDisclosure({ salt: saltOf("log/action"), name: "action", value });
  const refuse = (name: string, disclosures: unknown, reason: InvalidReason | UncheckedReason, why: string) =>
    refused(`disclosure-${name}`, { ...proof, disclosures }, [reason], why);
  return [
    refuse(
      "changed-value",
      [type, said("decline"), ...rest],
      "disclosureNotInRecord",
      "A disclosure says another action.",
    ),
    refuse(
      "changed-salt",
      [type, encodeDisclosure({ salt: saltOf("another"), name: "action", value: "grant" }), ...rest],
      "disclosureNotInRecord",
      "A disclosure has another salt.",
    ),
    refuse(
      "written-anew-with-spaces",
      [type, rawDisclosure(`["${saltOf("log/action")}", "action", "grant"]`), ...rest],
      "disclosureNotInRecord",
      "A disclosure says the same in another text, which has another digest.",
    ),
    refuse(
      "from-elsewhere",
      [...record.disclosures, STRANGER],
      "disclosureNotInRecord",
      "A disclosure is of no record.",
    ),
    refuse(
      "of-another-record",
      [...record.disclosures.slice(0, -1), first.record.disclosures[4]!],
      "disclosureNotInRecord",
      "A disclosure is of another record.",
    ),
    refuse("twice", [...record.disclosures, action], "notADisclosure", "A disclosure stands twice."),
    refuse("no-text", [...record.disclosures, 7], "notADisclosure", "A disclosure is a number."),
    refuse("no-list", { 0: action }, "notADisclosure", "The disclosures are no list."),
    refuse("no-base64url", ["***"], "notADisclosure", "A disclosure is no base64url."),
    refuse(
      "of-two-parts",
      [rawDisclosure('["salt","action"]')],
      "notADisclosure",
      "A disclosure has two parts.",
    ),
    refuse(
      "of-the-reserved-name",
      [rawDisclosure('["salt-of-the-corpus","_sd",[]]')],
      "notADisclosure",
      "A disclosure has a name that RFC 9901 keeps for itself.",
    ),
    refuse("padded", [`${action}=`], "notADisclosure", "A disclosure is padded."),
    refuse(
      "with-a-member-twice",
      [rawDisclosure('["salt-of-the-corpus","metadata",{"a":1,"a":2}]')],
      "notADisclosure",
      "A disclosure names a member twice.",
    ),
  ];
}

function otherDigests({ consents: { log, logByTenant } }: Genuine): CorpusFile[] {
  const { record, proof } = log;
  const refuse = (name: string, more: object, reasons: (InvalidReason | UncheckedReason)[], why: string) =>
    refused(`record-${name}`, { ...proof, ...more }, reasons, why);
  const { _sd: _omitted, ...withoutDigests } = proof;
  return [
    refuse(
      "digest-more",
      { _sd: [...record._sd, disclosureDigest(STRANGER)], disclosures: [...record.disclosures, STRANGER] },
      ["recordDigestMismatch"],
      "A field was added to the record.",
    ),
    refuse(
      "digest-less",
      { _sd: record._sd.slice(1), disclosures: [] },
      ["recordDigestMismatch"],
      "A field was taken out of the record.",
    ),
    refuse(
      "digest-twice",
      { _sd: [...record._sd, record._sd[0]] },
      ["notARecord"],
      "A digest stands twice in _sd.",
    ),
    refuse(
      "digest-of-other-length",
      { _sd: ["AAAA"] },
      ["notARecord"],
      "_sd holds something that is no digest.",
    ),
    refuse("digests-no-list", { _sd: record._sd.join(",") }, ["notARecord"], "_sd is a text."),
    refuse(
      "digests-padded",
      { _sd: record._sd.map((digest) => `${digest}=`) },
      ["notARecord"],
      "_sd is padded.",
    ),
    refuse("no-digests", { _sd: [] }, ["recordDigestMismatch", "disclosureNotInRecord"], "_sd is empty."),
    refused("record-without-sd", withoutDigests, ["notARecord"], "_sd was left out."),
    refuse(
      "receipt-of-another-record",
      { receipt: logByTenant.proof.receipt },
      ["recordDigestMismatch"],
      "The receipt is of another record.",
    ),
    refuse("receipt-null", { receipt: null }, ["notAnchoredYet"], "The record is not anchored yet."),
    refused(
      "record-without-proof",
      { record: { action: "decline" }, receipt: proof.receipt },
      ["notARecord"],
      "A readable record stands beside a receipt, and nothing ties them together.",
    ),
  ];
}

function otherTimes({ consents: { late, timeless } }: Genuine): CorpusFile[] {
  return [
    refused(
      "record-made-after-its-block",
      logAnswer(late),
      ["createdAfterBlock"],
      "The record says that it was made a week after the block that holds its anchor.",
    ),
    refused(
      "record-of-no-time",
      consentAnswer(timeless),
      ["createdAfterBlock"],
      "The record names no time that can be read.",
    ),
  ];
}
