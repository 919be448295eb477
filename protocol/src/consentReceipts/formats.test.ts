import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import jsonld from "jsonld";
import { describe, expect, test } from "vitest";
import type { ConsentReceiptInput } from "./consentEvent.ts";
import { dpvReceipt } from "./dpvReceipt.ts";
import { dpvReceiptFirstForm } from "./dpvReceiptFirstForm.ts";
import { jwtReceiptClaims } from "./jwtReceiptClaims.ts";
import { kantaraReceipt } from "./kantaraReceipt.ts";

type Vector = {
  name: string;
  input: ConsentReceiptInput & { kid: string };
  jwt: object;
  kantara: object;
  dpv: object;
  /** Absent where nothing was issued in this form. */
  dpvFirstForm?: object;
};

/** Properties that a node must have, itself or in a node within it, to conform to a profile; names of DPV's terms. */
type Profiles = { profiles: Record<string, string[]>; terms: string[] };

const read = (name: string) => JSON.parse(readFileSync(`test/vectors/${name}`, "utf8"));
const vectors = read("consent-receipts.json") as Vector[];
const firstForms = vectors.filter(({ dpvFirstForm }) => dpvFirstForm !== undefined);
const { profiles, terms } = read("dpv-27560.json") as Profiles;
const json = (value: object) => JSON.parse(JSON.stringify(value));

const documentLoader = () => Promise.reject(new Error("nothing is loaded"));
const expand = async (receipt: object) =>
  (await jsonld.expand(json(receipt), { documentLoader, safe: true } as object)) as Record<string, unknown>[];

const DPV = "https://w3id.org/dpv#";
const CONFORMS_TO = "http://purl.org/dc/terms/conformsTo";

describe("SG-9, SG-10: what was issued once must be made the same for ever, since verifiers make it anew", () => {
  test.each(vectors)("$name", ({ input, jwt, kantara, dpv }) => {
    expect(json(jwtReceiptClaims(input))).toEqual(jwt);
    expect(json(kantaraReceipt(input))).toEqual(kantara);
    expect(json(dpvReceipt(input))).toEqual(dpv);
  });

  test.each(firstForms)("$name, as DPV in its first form", ({ input, dpvFirstForm }) => {
    expect(json(dpvReceiptFirstForm(input))).toEqual(dpvFirstForm);
  });
});

describe("SG-10 tools of the formats take what is issued", () => {
  test.each(vectors)("SG-10 Kantara's schema takes $name", ({ input }) => {
    const validate = new Ajv2020({ strict: false }).compile(read("kantara-consent-receipt-1.1.schema.json"));
    expect(validate(json(kantaraReceipt(input))), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each(vectors)("SG-10 a JSON-LD processor finds the proof as it stands in $name", async ({ input }) => {
    const [expanded] = await expand(dpvReceipt(input));
    const iri = (name: string) => `${input.publicUrl}/receipt/v1#${name}`;
    const { anchor, disclosures, _sd, origin } = input.proof ?? {};
    for (const [name, value] of Object.entries({ anchorReceipt: anchor, disclosures, sd: _sd, origin }))
      expect(expanded![iri(name)]).toEqual(value && [{ "@type": "@json", "@value": value }]);
  });

  test("SG-10 a JSON-LD processor expands a DPV receipt of any event without loss, and compacts it to the same again", async () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    const { input } = vectors.find(({ input }) => input.proof?.origin)!;
    const changed = fc.record({
      event: fc.record({
        subject: text,
        issuer: text,
        target: text,
        scope: text,
        source: text,
        delegate: text,
      }),
      proof: fc.record({ disclosures: fc.array(text), _sd: fc.array(text), origin: text }),
      publicUrl: fc.constantFrom("https://holdfast.example", "http://127.0.0.1:8787/a/b"),
    });
    await fc.assert(
      fc.asyncProperty(changed, async ({ event, proof, publicUrl }) => {
        const receipt = json(
          dpvReceipt({
            ...input,
            event: { ...input.event, ...event },
            proof: { ...input.proof!, ...proof },
            publicUrl,
          }),
        );
        const compacted = await jsonld.compact((await expand(receipt)) as object, receipt["@context"]);
        expect(json(compacted)).toEqual(receipt);
      }),
      { numRuns: 50 },
    );
  });

  test("SG-10 no JSON-LD processor takes a statement of the consent from the members of a proof", async () => {
    const input = vectors.find(({ input }) => input.proof?.origin)!.input;
    const receipt = json(dpvReceipt(input));
    const lie = { "@id": receipt["@id"], "dpv:hasConsentStatus": { "@type": "dpv:ConsentWithdrawn" } };
    const said = { anchor: lie, disclosures: [lie], _sd: [lie], origin: lie };
    for (const statement of (await jsonld.toRDF({ ...receipt, ...said }, {
      documentLoader,
    } as object)) as object[])
      expect(statement).not.toMatchObject({ object: { value: `${DPV}ConsentWithdrawn` } });
  });
});

describe("SG-10 a DPV receipt claims no more than it is", () => {
  test.each(vectors)(
    "SG-10 $name has what the profile demands that it claims, in terms that DPV has",
    async ({ input }) => {
      const expanded = await expand(dpvReceipt(input));
      expect(expanded[0]).toMatchObject({
        [CONFORMS_TO]: [{ "@id": "https://w3id.org/dpv/schema/dpv-27560#receipt" }],
      });
      expect(falseClaims(expanded)).toEqual([]);
    },
  );

  test("SG-10 the first form claimed more, and words that DPV does not have", async () => {
    for (const { dpvFirstForm } of firstForms)
      expect(falseClaims(await expand(dpvFirstForm!))).toEqual(
        expect.arrayContaining([
          "https://w3id.org/dpv/schema/dpv-27560#receipt without https://w3id.org/dpv#hasIdentifier",
          "https://w3id.org/dpv/schema/dpv-27560#record without http://purl.org/dc/terms/language",
          "hasEvent is no term",
          "ConsentEvent is no term",
        ]),
      );
  });
});

/** Of a document in expanded form. Literals say nothing in the vocabulary. */
function falseClaims(expanded: unknown): string[] {
  const nodes = nodesIn(expanded);
  const unknown = nodes
    .flatMap((node) => [...Object.keys(node), ...[node["@type"] ?? []].flat(), node["@id"]])
    .filter((iri): iri is string => typeof iri === "string" && iri.startsWith(DPV))
    .map((iri) => iri.slice(DPV.length))
    .filter((term) => !terms.includes(term));
  const lacking = nodes.flatMap((node) =>
    ((node[CONFORMS_TO] ?? []) as { "@id": string }[]).flatMap(({ "@id": profile }) => {
      const has = new Set(nodesIn(node).flatMap((inner) => Object.keys(inner)));
      const demanded = profiles[profile];
      if (demanded === undefined) return [`${profile} is no profile`];
      return demanded
        .filter((property) => !has.has(property))
        .map((property) => `${profile} without ${property}`);
    }),
  );
  return [...unknown.map((term) => `${term} is no term`), ...lacking];
}

/** Every object in it that is no literal, itself included. */
function nodesIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (typeof value !== "object" || value === null || "@value" in value) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(nodesIn)];
}
