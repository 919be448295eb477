import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import jsonld from "jsonld";
import { describe, expect, test } from "vitest";
import type { ConsentReceiptInput } from "./consentEvent.ts";
import { dpvReceipt } from "./dpvReceipt.ts";
import { jwtReceiptClaims } from "./jwtReceiptClaims.ts";
import { kantaraReceipt } from "./kantaraReceipt.ts";

type Vector = {
  name: string;
  input: ConsentReceiptInput & { kid: string };
  jwt: object;
  kantara: object;
  dpv: object;
};

const read = (name: string) => JSON.parse(readFileSync(`test/vectors/${name}`, "utf8"));
const vectors = read("consent-receipts.json") as Vector[];
const json = (value: object) => JSON.parse(JSON.stringify(value));

describe("SG-9, SG-10: what was issued once must be made the same for ever, since verifiers make it anew", () => {
  test.each(vectors)("$name", ({ input, jwt, kantara, dpv }) => {
    expect(json(jwtReceiptClaims(input))).toEqual(jwt);
    expect(json(kantaraReceipt(input))).toEqual(kantara);
    expect(json(dpvReceipt(input))).toEqual(dpv);
  });

  test.each(vectors)("SG-10 Kantara and JSON-LD tools take $name", async ({ input }) => {
    const validate = new Ajv2020({ strict: false }).compile(read("kantara-consent-receipt-1.1.schema.json"));
    expect(validate(json(kantaraReceipt(input))), JSON.stringify(validate.errors)).toBe(true);
    const documentLoader = () => Promise.reject(new Error("nothing is loaded"));
    const options = { documentLoader, safe: true } as object;
    const [expanded] = (await jsonld.expand(json(dpvReceipt(input)), options)) as Record<string, never>[];
    const anchors = expanded![`${input.publicUrl}/receipt/v1#anchor`] as unknown;
    expect(anchors).toEqual(input.proof ? [{ "@type": "@json", "@value": input.proof.anchor }] : undefined);
  });
});
