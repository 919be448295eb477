import type { AnchorReceipt, ReceiptAnchor, ReceiptProofStep } from "#protocol/receipt.ts";

const XSD_INTEGER = "http://www.w3.org/2001/XMLSchema#integer";

/**
 * The JSON-LD context that receipts name (protocol §6): IRI and datatype of each of their members.
 * Each term IRI is absolute: processors refuse a relative one as an invalid IRI mapping.
 * Source: JSON-LD 1.1 Processing Algorithms and API, §4.2.2.
 */
export function receiptContext(publicUrl: string) {
  const text = (name: string) => `${publicUrl}/receipt/v1#${name}`;
  const wholeNumber = (name: string) => ({ "@id": text(name), "@type": XSD_INTEGER });

  const step = {
    position: text("position"),
    data: text("data"),
  } satisfies Terms<ReceiptProofStep>;
  const anchor = {
    chainId: wholeNumber("chainId"),
    contractAddress: text("contractAddress"),
    txHash: text("txHash"),
    blockNumber: wholeNumber("blockNumber"),
    blockTimestamp: wholeNumber("blockTimestamp"),
    publisher: text("publisher"),
    blockHash: text("blockHash"),
    logIndex: wholeNumber("logIndex"),
    leafCount: wholeNumber("leafCount"),
    leafIndex: wholeNumber("leafIndex"),
  } satisfies Terms<ReceiptAnchor>;
  const receipt = {
    hash: text("hash"),
    merkleRoot: text("merkleRoot"),
    // Without @list the steps would be a set, and the order of the path lost.
    proof: { "@id": text("proof"), "@container": "@list", "@context": step },
    anchor: { "@id": text("anchor"), "@context": anchor },
    signature: text("signature"),
    publicKey: text("publicKey"),
    kid: text("kid"),
  } satisfies Terms<Omit<AnchorReceipt, "@context">>;

  return { "@context": { "@version": 1.1, "@protected": true, ...receipt } };
}

/** A term for every member, so that none is dropped by whoever expands a receipt. */
type Terms<T> = Record<keyof T, string | object>;
