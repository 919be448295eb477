import fc from "fast-check";
import jsonld from "jsonld";
import { expect, test } from "vitest";
import type { AnchorReceipt, ReceiptAnchor } from "#protocol/receipt.ts";
import { receiptContext } from "./receiptContext.ts";

const XSD_INTEGER = "http://www.w3.org/2001/XMLSchema#integer";

/** `safe`: the processor throws where it would drop a member or keep a relative IRI. */
const options = (publicUrl: string) =>
  ({
    safe: true,
    documentLoader: async (url: string) => {
      if (url !== `${publicUrl}/receipt/v1`) throw new Error(`${url} is loaded`);
      return { documentUrl: url, document: receiptContext(publicUrl) };
    },
  }) as object;

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array) => `0x${Buffer.from(array).toString("hex")}`);
const wholeNumber = fc.nat({ max: 0xffff_ffff });
const anchor = fc.record({
  chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  contractAddress: hex(20),
  txHash: hex(32),
  blockNumber: wholeNumber,
  blockTimestamp: wholeNumber,
  publisher: hex(20),
  blockHash: hex(32),
  logIndex: wholeNumber,
  leafCount: wholeNumber,
  leafIndex: wholeNumber,
});
const step = fc.record({ position: fc.constantFrom("left", "right"), data: hex(32) });
const publicUrl = fc.constantFrom(
  "https://anchor.example",
  "http://127.0.0.1:8787",
  "https://anchor.example:8443/holdfast",
  "https://anchor.example/a/b",
);
const receiptOf = (publicUrl: string) =>
  fc.record({
    "@context": fc.constant(`${publicUrl}/receipt/v1`),
    hash: hex(32),
    merkleRoot: hex(32),
    proof: fc.array(step, { maxLength: 32 }),
    anchor,
    signature: fc.base64String(),
    publicKey: fc.base64String(),
    kid: fc.string(),
  });
const issued = publicUrl.chain((url) =>
  fc.record({ publicUrl: fc.constant(url), receipt: receiptOf(url) as fc.Arbitrary<AnchorReceipt> }),
);

test("protocol §6 a JSON-LD processor expands every receipt without loss, and compacts it to the same again", async () => {
  await fc.assert(
    fc.asyncProperty(issued, async ({ publicUrl, receipt }) => {
      const expanded = await jsonld.expand(receipt as object, options(publicUrl));
      const context = receipt["@context"] as never;
      expect(await jsonld.compact(expanded, context, options(publicUrl))).toEqual(receipt);
    }),
    { numRuns: 50 },
  );
});

test("protocol §6 the Merkle path is a list in its order, and numbers are integers, in the expanded receipt", async () => {
  await fc.assert(
    fc.asyncProperty(issued, async ({ publicUrl, receipt }) => {
      const iri = (name: string) => `${publicUrl}/receipt/v1#${name}`;
      const [expanded] = await jsonld.expand(receipt as object, options(publicUrl));
      expect(expanded).toHaveProperty(
        [iri("proof"), "0", "@list"],
        receipt.proof.map(({ position, data }) => ({
          [iri("position")]: [{ "@value": position }],
          [iri("data")]: [{ "@value": data }],
        })),
      );
      const [anchored] = (expanded as Record<string, object[]>)[iri("anchor")]!;
      for (const [name, value] of Object.entries(receipt.anchor satisfies ReceiptAnchor))
        expect(anchored).toHaveProperty(
          [iri(name), "0"],
          typeof value === "number" ? { "@type": XSD_INTEGER, "@value": value } : { "@value": value },
        );
    }),
    { numRuns: 50 },
  );
});
