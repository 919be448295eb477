import type { Json } from "#protocol/consentRecord.ts";
import { ownWord } from "./answerClaims.ts";
import { type Claim, claimOfField, type Proven } from "./claims.ts";

/** A JSON value of whatever shape; reading what is not there gives an undefined one. */
class Node {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
  at(...path: (string | number)[]): Node {
    return path.reduce<Node>((node, step) => new Node(node.#member(step)), this);
  }
  #member(step: string | number): unknown {
    const { value } = this;
    return typeof value === "object" && value !== null && Object.hasOwn(value, step)
      ? (value as Record<string | number, unknown>)[step]
      : undefined;
  }
}

/** What a format calls each action of a record. */
type Words = Record<"grant" | "decline" | "withdraw" | "none", Json>;

const ACTIONS: Words = { grant: true, decline: false, withdraw: false, none: null };
const CONSENT_TYPES: Words = {
  grant: "EXPLICIT",
  decline: "DECLINED OR WITHDRAWN",
  withdraw: "DECLINED OR WITHDRAWN",
  none: "NO ACTION",
};
const STATUSES: Words = {
  grant: "dpv:ConsentGiven",
  decline: "dpv:ConsentRefused",
  withdraw: "dpv:ConsentWithdrawn",
  none: "dpv:ConsentUnknown",
};

/** Every member of `record`, the readable copy that goes along with the disclosures. */
export function claimsOfRecord(record: unknown): Claim[] {
  if (!isObject(record)) return claimsOfNoObject("record", record);
  return Object.entries(record).map(([name, value]) => claimOfField(`record.${name}`, value, name));
}

const EVENT_FIELDS = ["subject", "issuer", "target", "source", "scope", "delegate"];
const EVENT_MEMBERS = ["id", "action", "createdAt", ...EVENT_FIELDS];

/** Of a consent event as the API shows it. Its token stands outside of the record. */
export function claimsOfEvent(value: unknown): Claim[] {
  if (!isObject(value)) return claimsOfNoObject("event", value);
  const event = new Node(value);
  const others = Object.entries(value).filter(([name]) => !EVENT_MEMBERS.includes(name));
  return [
    digestClaim("event.id", event.at("id").value),
    actionClaim("event.action", event.at("action").value, ACTIONS),
    claimOfField("event.createdAt", event.at("createdAt").value, "created"),
    ...EVENT_FIELDS.map((name) => claimOfField(`event.${name}`, event.at(name).value, name)),
    ...others.map(([name, claimed]) => ownWord(`event.${name}`, claimed)),
  ];
}

/** Of the claims of a JWT receipt. `iss`, `jti` and `publicKey` stand outside of the record: they are the JWT's signer's word. */
export function claimsOfJwt(payload: unknown): Claim[] {
  const jwt = new Node(payload);
  const consent = jwt.at("signatu", "consent");
  return [
    claimOfField("sub", jwt.at("sub").value, "subject"),
    claimOfField("policyUrl", jwt.at("policyUrl").value, "target"),
    claimOfField("dataController.org", jwt.at("dataController", "org").value, "issuer"),
    secondClaim("iat", jwt.at("iat").value),
    digestClaim("signatu.consent.id", consent.at("id").value),
    actionClaim("signatu.consent.action", consent.at("action").value, ACTIONS),
    ...["subject", "issuer", "target", "source", "scope"].map((name) =>
      claimOfField(`signatu.consent.${name}`, consent.at(name).value, name),
    ),
  ];
}

/** Of a Kantara Consent Receipt 1.1. */
export function claimsOfKantara(value: unknown): Claim[] {
  const receipt = new Node(value);
  const controller = receipt.at("piiControllers", 0);
  const service = receipt.at("services", 0);
  const purpose = service.at("purposes", 0);
  return [
    secondClaim("consentTimestamp", receipt.at("consentTimestamp").value),
    orElse("collectionMethod", receipt.at("collectionMethod").value, "source", "not stated"),
    digestClaim("consentReceiptID", receipt.at("consentReceiptID").value),
    orElse("piiPrincipalId", receipt.at("piiPrincipalId").value, "subject", "erased"),
    claimOfField("piiControllers[0].piiController", controller.at("piiController").value, "issuer"),
    claimOfField("policyUrl", receipt.at("policyUrl").value, "target"),
    claimOfField("services[0].service", service.at("service").value, "issuer"),
    claimOfField("services[0].purposes[0].purpose", purpose.at("purpose").value, "scope"),
    actionClaim("services[0].purposes[0].consentType", purpose.at("consentType").value, CONSENT_TYPES),
    // One controller, service and purpose is what a record has; a second would be borne out by nothing.
    ...[
      ["piiControllers[1]", receipt.at("piiControllers", 1)] as const,
      ["services[1]", receipt.at("services", 1)] as const,
      ["services[0].purposes[1]", service.at("purposes", 1)] as const,
    ].map(([member, node]) => claimOfNothing(member, node.value)),
  ];
}

/** Of a consent receipt in JSON-LD with the Data Privacy Vocabulary, in the shape in which it is issued. */
export function claimsOfDpv(value: unknown): Claim[] {
  const receipt = new Node(value);
  const record = receipt.at("dpv:hasRecordOfActivity");
  const event = record.at("dpv:hasEvent");
  const of = (member: string, node: Node, field: string) => claimOfField(member, node.value, field);
  return [
    digestClaim("dct:identifier", receipt.at("dct:identifier").value),
    of("dct:created", receipt.at("dct:created"), "created"),
    digestClaim("record dct:identifier", record.at("dct:identifier").value),
    of("record dct:created", record.at("dct:created"), "created"),
    of("dpv:hasDataSubject", record.at("dpv:hasDataSubject", "dct:identifier"), "subject"),
    of("dpv:hasDataController", record.at("dpv:hasDataController", "dct:identifier"), "issuer"),
    of("dpv:hasNotice", record.at("dpv:hasNotice", "dct:source"), "target"),
    of("dpv:hasPurpose", record.at("dpv:hasProcess", "dpv:hasPurpose", "dct:title"), "scope"),
    actionClaim("dpv:hasConsentStatus", record.at("dpv:hasConsentStatus").value, STATUSES),
    actionClaim("event dpv:hasConsentStatus", event.at("dpv:hasConsentStatus").value, STATUSES),
    of("dpv:isIndicatedAtTime", event.at("dpv:isIndicatedAtTime"), "created"),
    of("dpv:isIndicatedBy", event.at("dpv:isIndicatedBy", "dct:identifier"), "delegate"),
    of("event dct:source", event.at("dct:source"), "source"),
  ];
}

function digestClaim(member: string, claimed: unknown): Claim {
  return { member, claimed, proven: ({ digest }) => digest };
}

function actionClaim(member: string, claimed: unknown, words: Words): Claim {
  const wordOf = (action: Json | undefined) => Object.entries(words).find(([name]) => name === action)?.[1];
  return { member, claimed, proven: ({ fields }) => wordOf(fields.get("action")) };
}

/** Whole seconds since 1970 of the time when the record was made. */
function secondClaim(member: string, claimed: unknown): Claim {
  const seconds = ({ fields }: Proven) => Math.floor(Date.parse(String(fields.get("created"))) / 1_000);
  return {
    member,
    claimed,
    proven: (record) => (Number.isNaN(seconds(record)) ? undefined : seconds(record)),
  };
}

/** `absent` is what the format says where the record says nothing. */
function orElse(member: string, claimed: unknown, field: string, absent: string): Claim {
  return { member, claimed, proven: ({ fields }) => fields.get(field) ?? absent };
}

function claimsOfNoObject(member: string, claimed: unknown): Claim[] {
  return claimed === null ? [] : [claimOfNothing(member, claimed)];
}

function claimOfNothing(member: string, claimed: unknown): Claim {
  return { member, claimed, proven: () => undefined };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
