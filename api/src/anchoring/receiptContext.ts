/** The JSON-LD context that receipts name (protocol §6): the terms of a receipt and what they mean. */
export const receiptContext = {
  "@context": {
    "@version": 1.1,
    "@protected": true,
    "@vocab": "#",
    hash: "#hash",
    merkleRoot: "#merkleRoot",
    proof: { "@id": "#proof", "@container": "@list", "@context": { position: "#position", data: "#data" } },
    anchor: {
      "@id": "#anchor",
      "@context": {
        chainId: "#chainId",
        contractAddress: "#contractAddress",
        txHash: "#txHash",
        blockNumber: "#blockNumber",
        blockTimestamp: "#blockTimestamp",
        publisher: "#publisher",
        blockHash: "#blockHash",
        logIndex: "#logIndex",
        leafCount: "#leafCount",
        leafIndex: "#leafIndex",
      },
    },
    signature: "#signature",
    publicKey: "#publicKey",
    kid: "#kid",
  },
} as const;
