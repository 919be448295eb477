import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Consent, dpv, dpvFirstForm, type Json, jwtClaims, kantara } from "../formats.ts";
import { changed, type Genuine } from "../genuine.ts";
import { jwtOf } from "../statements.ts";

const OTHER = "5e".repeat(32);

/** Consent receipts that say something else than their record. */
export function formatFamily({ usual, consents: { second } }: Genuine): CorpusFile[] {
  return [...inKantara(second), ...inDpv(second), ...inJwt(second), ...withAnother(second, usual)];
}

const refuse = (name: string, content: object | string, why: string) =>
  refused(`claim-${name}`, content, ["claimNotInRecord"], why);

/** Formats mixed with one another, or with another receipt. */
function withAnother(second: Consent, usual: object): CorpusFile[] {
  const { anchor: _anchor, ...notAnchored } = kantara(second);
  const digestOfAnother = (name: string, content: object) =>
    refused(
      `claim-${name}-of-another-receipt`,
      content,
      ["recordDigestMismatch"],
      "Its receipt is of another hash.",
    );
  return [
    digestOfAnother("kantara", { ...kantara(second), anchor: usual }),
    digestOfAnother("dpv", { ...dpv(second), anchor: usual }),
    digestOfAnother("jwt", { receipt: jwtOf({ ...jwtClaims(second), anchor: usual }) }),
    refused(
      "claim-kantara-beside-a-receipt",
      { ...notAnchored, receipt: usual },
      ["notAnchoredYet"],
      "It is not anchored, and a receipt of something else stands in it.",
    ),
    refused(
      "claim-dpv-type-in-a-list",
      { ...dpv(second), "@type": ["dpv:ConsentReceipt"] },
      ["unreadable"],
      "Its type stands in a list, as the service never writes it.",
    ),
    refuse(
      "kantara-and-dpv",
      { ...dpv(second), version: "KI-CR-v1.1.0" },
      "It is a DPV receipt that poses as a Kantara receipt.",
    ),
  ];
}

function inKantara(second: Consent): CorpusFile[] {
  const genuine = kantara(second);
  const having = (change: (draft: KantaraDraft) => void) => changed(genuine as KantaraDraft, change);
  return [
    refuse(
      "kantara-controller",
      having((draft) => {
        draft.piiControllers[0]!.piiController = "x";
      }),
      "It names another controller.",
    ),
    refuse(
      "kantara-type",
      having((draft) => {
        draft.services[0]!.purposes[0]!.consentType = "EXPLICIT";
      }),
      "It turns a withdrawal into a consent.",
    ),
    refuse(
      "kantara-second-service",
      having((draft) => void draft.services.push(draft.services[0]!)),
      "It names a service more.",
    ),
    refuse(
      "kantara-third-party",
      having((draft) => {
        draft.services[0]!.purposes[0]!.thirdPartyDisclosure = true;
      }),
      "It tells third parties.",
    ),
    refuse(
      "kantara-principal",
      { ...genuine, piiPrincipalId: "erased" },
      "It hides the subject that the record tells.",
    ),
    refuse("kantara-time", { ...genuine, consentTimestamp: 1 }, "It is of another time."),
    refuse("kantara-note", { ...genuine, note: "x" }, "It says more than its format has."),
  ];
}

type KantaraDraft = Json & {
  piiControllers: Record<string, unknown>[];
  services: { purposes: Record<string, unknown>[] }[];
};

function inDpv(second: Consent): CorpusFile[] {
  const [present, first] = [dpv(second), dpvFirstForm(second)] as [DpvDraft, DpvDraft];
  const record = "dpv:hasRecordOfActivity";
  const given = (draft: DpvDraft) => {
    draft[record]["dpv:hasConsentStatus"]["@type"] = "dpv:ConsentGiven";
  };
  return [
    refuse("dpv-status", changed(present, given), "It turns a withdrawal into a consent."),
    refuse(
      "dpv-first-form-status",
      changed(
        first,
        (draft) => void Object.assign(draft[record], { "dpv:hasConsentStatus": "dpv:ConsentGiven" }),
      ),
      "It turns a withdrawal into a consent.",
    ),
    refuse(
      "dpv-second-status",
      { ...present, "dpv:hasConsentStatus": "dpv:ConsentGiven" },
      "It has a status of its own beside the record's.",
    ),
    refuse("dpv-two-records", { ...present, [record]: [present[record]] }, "Its record is a list."),
    refuse(
      "dpv-other-vocabulary",
      changed(present, (draft) => {
        draft["@context"].dpv = "https://else.example/dpv#";
      }),
      "Its names mean something else.",
    ),
    refuse(
      "dpv-alias",
      changed(present, (draft) => {
        draft["@context"].state = "dpv:hasConsentStatus";
      }),
      "It gives a name of its own to a term.",
    ),
    refuse(
      "dpv-profile-of-the-record",
      changed(
        present,
        (draft) => void Object.assign(draft[record], { "dct:conformsTo": first[record]["dct:conformsTo"] }),
      ),
      "It claims a profile for its record.",
    ),
    refuse("dpv-id", { ...present, "dct:identifier": OTHER }, "It has another id."),
  ];
}

type DpvDraft = Json & {
  "@context": Record<string, unknown>;
  "dpv:hasRecordOfActivity": Json & { "dpv:hasConsentStatus": Record<string, unknown> };
};

function inJwt(second: Consent): CorpusFile[] {
  const claims = jwtClaims(second) as JwtDraft;
  const having = (change: (draft: JwtDraft) => void) => ({ receipt: jwtOf(changed(claims, change)) });
  return [
    refuse(
      "jwt-subject",
      having((draft) => {
        draft.sub = "somebody else";
      }),
      "The JWT is of another subject.",
    ),
    refuse(
      "jwt-time",
      having((draft) => {
        draft.iat = 1;
      }),
      "The JWT is of another time.",
    ),
    refuse(
      "jwt-action",
      having((draft) => {
        draft.signatu.consent.action = true;
      }),
      "The JWT turns a withdrawal into a consent.",
    ),
    refuse(
      "jwt-list",
      having((draft) => void Object.assign(draft.signatu, { consent: [{ action: true }] })),
      "The JWT has a list of consents.",
    ),
    refuse(
      "jwt-withheld",
      having((draft) => {
        draft.disclosures = [];
      }),
      "The JWT says what was not disclosed.",
    ),
    refuse(
      "jwt-more",
      having((draft) => {
        draft.purposes = ["ads"];
      }),
      "The JWT says more than its format has.",
    ),
    refuse(
      "jwt-key-address",
      { receipt: jwtOf(claims, { kid: "another" }) },
      "The JWT names its key by another id.",
    ),
    refuse(
      "jwt-beside-another-hash",
      { proof_hash: OTHER, receipt: jwtOf(claims) },
      "Beside the JWT stands another hash.",
    ),
  ];
}

type JwtDraft = Json & { signatu: { consent: Record<string, unknown> } };
