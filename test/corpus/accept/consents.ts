import { createPublicKey } from "node:crypto";
import type { Warning } from "#verifier/reason.ts";
import { accepted, type CorpusFile } from "../corpusFile.ts";
import {
  type Consent,
  consentAnswer,
  dpv,
  dpvFirstForm,
  history,
  historyEntry,
  jwtClaims,
  kantara,
  logAnswer,
  proofRecordAnswer,
  TOKEN,
  withheld,
} from "../formats.ts";
import { type Genuine, provenOriginOf } from "../genuine.ts";
import { JWT_KEY, PDF_KEY, publicPemOf, SERVICE } from "../keys.ts";
import { historyStatementOf, jwtOf, originOf, STATED_S } from "../statements.ts";

/** Consents that the service recorded, in every form in which they are handed out. */
export function consentFamily({ consents }: Genuine): CorpusFile[] {
  return [
    ...answers(consents),
    ...partial(consents),
    ...formats(consents),
    ...jwts(consents),
    ...histories(consents),
  ];
}

type Consents = Genuine["consents"];

function accept(
  name: string,
  consent: Consent,
  content: object | string,
  why: string,
  {
    siteBy = "operator",
    ...more
  }: { siteBy?: "operator" | "tenant"; pins?: CorpusFile["pins"]; warnings?: Warning[] } = {},
): CorpusFile {
  return accepted(`consent-${name}`, content, why, {
    ...more,
    origin: provenOriginOf(consent.record, siteBy),
  });
}

function answers({ log, logByTenant, logOfNoSite, old, gate, proof, erasure }: Consents): CorpusFile[] {
  const ofElse = { site: "else.example", site_by: "operator" } as const;
  const recordedS = Math.floor(Date.parse(String(log.record.fields.created)) / 1_000);
  return [
    accept("bare", log, log.proof, "It is receipt, disclosures, _sd and origin."),
    accept(
      "log",
      log,
      logAnswer(log),
      "It is an answer of the consent log, for a domain that the operator named.",
    ),
    accept("log-site-by-tenant", logByTenant, logAnswer(logByTenant), "The domain is the tenant's word.", {
      siteBy: "tenant",
    }),
    accept("log-no-site", logOfNoSite, logAnswer(logOfNoSite), "The API key speaks for no domain."),
    accept(
      "v1-consents",
      gate,
      consentAnswer(gate),
      "It is an answer of GET /v1/consents/:token, of a consent gate's record.",
    ),
    accept(
      "proof-record",
      proof,
      proofRecordAnswer(proof),
      "It is a record of the consent proofs, with its proof beside it.",
    ),
    accept("erasure", erasure, consentAnswer(erasure), "It is the record of an erasure."),
    accept("made-long-before", old, logAnswer(old), "The record is ten days older than its block.", {
      warnings: ["createdLongBefore"],
    }),
    accept(
      "sd-in-another-order",
      log,
      { ...log.proof, _sd: log.record._sd.toReversed() },
      "_sd stands in another order, which its digest does not depend on.",
    ),
    accepted(
      "consent-by-a-key-of-another-site",
      { ...log.proof, origin: originOf(log.record, ofElse) },
      "A key for another domain recorded it, as a withdrawal may be.",
      {
        origin: { ...provenOriginOf(log.record), site: "else.example" },
        warnings: ["siteDiffers"],
      },
    ),
    accepted(
      "consent-by-a-key-of-no-site",
      { ...log.proof, origin: originOf(log.record, { site: undefined, site_by: undefined } as never) },
      "A key for no domain recorded it, and the record names one.",
      {
        origin: { ...provenOriginOf(log.record), site: null, siteBy: null },
        warnings: ["siteDiffers"],
      },
    ),
    accept(
      "origin-in-its-last-second",
      log,
      { ...log.proof, origin: originOf(log.record, {}, { exp: recordedS }) },
      "The delegation ended in the second in which the statement was made.",
    ),
    accept("unpinned", log, log.proof, "Nothing is pinned: somebody states the origin.", { pins: "none" }),
  ];
}

/** What a holder or an erasure has left. */
function partial({ log, first, proof }: Consents): CorpusFile[] {
  const personal = ["visitor", "ip_masked", "user_agent", "metadata"];
  const erased = logAnswer(withheld(log, ...personal));
  const nothing = withheld(log, ...Object.keys(log.record.fields));
  return [
    accept(
      "erased-person",
      log,
      { data: { ...erased.data, erased_by: TOKEN } },
      "Whatever names the person was erased, and the rest is still proven.",
    ),
    accept(
      "one-field",
      log,
      withheld(log, ...Object.keys(log.record.fields).slice(1)).proof,
      "One field alone is disclosed.",
    ),
    accept("no-field", log, nothing.proof, "Nothing is disclosed."),
    accept("no-time", log, logAnswer(withheld(log, "created", "site")), "Time and domain are withheld."),
    accept(
      "no-readable-record",
      log,
      {
        receipt: log.proof.receipt,
        disclosures: log.proof.disclosures,
        _sd: log.proof._sd,
        origin: log.proof.origin,
        record: null,
      },
      "There is no readable copy of the record.",
    ),
    accept(
      "erased-subject-kantara",
      first,
      kantara(erasedSubject(first)),
      "The subject was erased, and the receipt says so.",
    ),
    accept("erased-subject-dpv", first, dpv(erasedSubject(first)), "The subject was erased."),
    accept(
      "proof-without-page",
      proof,
      withheld(proof, "page_url", "ip_masked").proof,
      "Page and address are withheld.",
    ),
  ];
}

/** As a receipt is issued once the person is erased. */
function erasedSubject({ record, proof }: Consent): Consent {
  const { subject: _erased, ...fields } = record.fields;
  const gone = Object.keys(record.fields).indexOf("subject");
  const disclosures = record.disclosures.filter((_, place) => place !== gone);
  return { record: { ...record, fields, disclosures }, proof: { ...proof, disclosures } };
}

function formats({ second, third, refusal, nothing }: Consents): CorpusFile[] {
  return [
    accept("kantara", second, kantara(second), "It is a Kantara receipt of a withdrawal."),
    accept(
      "kantara-delegate",
      third,
      kantara(third),
      "It is a Kantara receipt of a consent that somebody else gave.",
    ),
    accept("dpv", second, dpv(second), "It is a DPV receipt of a withdrawal."),
    accept("dpv-delegate", third, dpv(third), "It is a DPV receipt of a consent that somebody else gave."),
    accept("dpv-refusal", refusal, dpv(refusal), "It is a DPV receipt of a refusal."),
    accept("dpv-nothing-done", nothing, dpv(nothing), "It is a DPV receipt of somebody who did nothing."),
    accept("dpv-first-form", second, dpvFirstForm(second), "It is a DPV receipt as it was first issued."),
    accept(
      "dpv-first-form-delegate",
      third,
      dpvFirstForm(third),
      "It is a DPV receipt of the first form, with a delegate.",
    ),
  ];
}

function jwts({ second, refusal }: Consents): CorpusFile[] {
  const claims = jwtClaims(second);
  const genuine = jwtOf(claims);
  const jwk = createPublicKey(JWT_KEY).export({ format: "jwk" });
  const other = createPublicKey(PDF_KEY).export({ format: "jwk" });
  const keySet = JSON.stringify({
    keys: [{ kty: "OKP", crv: "Ed25519", x: "AA" }, other, { ...jwk, exp: claims.iat }],
  });
  const key = SERVICE.publicKey;
  return [
    accept("jwt.jwt", second, `${genuine}\n`, "It is a JWT as it is, with a line end."),
    accept(
      "jwt-of-windows.jwt",
      second,
      `\ufeff${genuine}\r\n`,
      "It has a byte order mark and a line end of Windows.",
    ),
    accept("jwt-in-data", second, { data: { receipt: genuine } }, "It stands in an answer's data."),
    accept("jwt-as-served", second, { receipt: genuine }, "It is a JWT as it is served."),
    accept("jwt-refusal.jwt", refusal, jwtOf(jwtClaims(refusal)), "It is a JWT of a refusal."),
    accept("jwt-key-set.jwt", second, genuine, "Its key was retired in the second in which it was made.", {
      pins: { key, jwtKey: keySet },
    }),
    accept("jwt-several-keys.jwt", second, genuine, "Its key is one of several.", {
      pins: { key, jwtKey: `${publicPemOf(PDF_KEY)}${publicPemOf(JWT_KEY)}` },
    }),
    accept("jwt-unpinned.jwt", second, genuine, "Nothing is pinned.", { pins: "none" }),
  ];
}

function histories({ first, second, third }: Consents): CorpusFile[] {
  const thread = [first, second, third];
  const records = thread.map(({ record }) => record);
  const jwk = createPublicKey(JWT_KEY).export({ format: "jwk" });
  const keySet = JSON.stringify({ keys: [{ ...jwk, exp: STATED_S }] });
  return [
    accepted("history", history(thread), "It is a whole history: a consent, its withdrawal, a consent."),
    accepted("history-of-one", history([first]), "It is a history of one record."),
    accepted(
      "history-in-data",
      { message: "OK", data: history([first, second]) },
      "It stands in an answer's data.",
    ),
    accepted(
      "history-records-and-statement",
      { records: thread.map(historyEntry), statement: historyStatementOf(records) },
      "It is records and statement alone.",
    ),
    accepted(
      "history-withheld-type",
      history([first, withheld(second, "type", "source")]),
      "The second record withholds what decides nothing about its place.",
    ),
    accepted(
      "history-key-set",
      history(thread),
      "The statement's key was retired in the second in which it was made.",
      {
        pins: { key: SERVICE.publicKey, jwtKey: keySet },
      },
    ),
    accepted("history-unpinned", history(thread), "Nothing is pinned.", { pins: "none" }),
  ];
}
