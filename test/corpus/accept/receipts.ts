import { createPublicKey } from "node:crypto";
import { bytesToHex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { Pins } from "#verifier/pins.ts";
import { accepted, type CorpusFile } from "../corpusFile.ts";
import { history } from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { provenOriginOf, resigned } from "../genuine.ts";
import { CONTRACTS, PUBLISHERS } from "../journal.ts";
import { FORGER, JWT_KEY, publicPemOf, SERVICE } from "../keys.ts";

/** Receipts of documents, as the service issues them and as programs hand them on. */
export function receiptFamily(genuine: Genuine): CorpusFile[] {
  return [...places(genuine), ...answers(genuine), ...pins(genuine), ...demands(genuine)];
}

function places({ receipt }: Genuine): CorpusFile[] {
  const cases: [name: string, batch: string, place: number, why: string][] = [
    ["of-1", "one", 0, "It is the only leaf of its tree, with an empty path."],
    ["0-of-2", "two", 0, "It is the first of two leaves."],
    ["1-of-2", "two", 1, "It is the second of two leaves."],
    ["2-of-3", "three", 2, "It is the odd leaf of three, whose path is shorter."],
    ["0-of-7", "seven", 0, "It is the first of seven leaves."],
    ["6-of-7", "seven", 6, "It is the odd leaf of seven."],
    ["12-of-13", "thirteen", 12, "It is the odd leaf of thirteen, promoted twice."],
    ["7-of-13", "thirteen", 7, "It is in the middle of thirteen leaves."],
    [
      "many-1",
      "many 1",
      0,
      "Its batch is the first of three in one transaction, after another publisher's event.",
    ],
    ["many-2", "many 2", 1, "Its batch is the second of three in one transaction."],
    ["many-3", "many 3", 3, "Its batch is the last of three in one transaction."],
    ["block-with-a-twin", "last", 2, "The next block is of its block's second."],
  ];
  return cases.map(([name, batch, place, why]) => accepted(`receipt-${name}`, receipt(batch, place), why));
}

function answers({ usual, receipt }: Genuine): CorpusFile[] {
  const { anchor } = usual;
  const answer = {
    verified: true,
    status: "anchored",
    hash: usual.hash,
    finality: "included",
    asOfBlock: 20,
    anchor: { ...anchor, onChainTimestamp: anchor.blockTimestamp },
    receipt: usual,
  };
  const upper = (hash: string) => `0x${hash.slice(2).toUpperCase()}`;
  const spelled = resigned(receipt("seven", 1), (draft) => {
    draft.hash = upper(draft.hash) as typeof draft.hash;
    draft.anchor.blockHash = upper(draft.anchor.blockHash) as typeof anchor.blockHash;
  });
  return [
    accepted("answer-verify", answer, "It is an answer of GET /v1/verify/:hash."),
    accepted(
      "answer-upper-case-hash",
      { ...answer, hash: upper(usual.hash) },
      "The answer spells the hash in capitals.",
    ),
    accepted(
      "answer-hash-without-0x",
      { content_hash: usual.hash.slice(2).toUpperCase(), receipt: usual },
      "content_hash is the same hash, in capitals and without 0x.",
    ),
    accepted(
      "answer-sha256-prefix",
      { contentHash: `sha256:${usual.hash.slice(2)}`, receipt: usual },
      "contentHash is the same hash with its algorithm's name.",
    ),
    accepted(
      "answer-in-data",
      { message: "OK", data: { receipt: usual } },
      "The receipt stands in an answer's data.",
    ),
    accepted(
      "answer-own-words",
      { note: "VALID", action: "decline", receipt: usual },
      "Beside the receipt stands what nothing proves or contradicts.",
    ),
    accepted(
      "answer-own-verdict",
      { verdict: "valid", reasons: [], checks: [], receipt: usual },
      "Beside the receipt stands a verdict, which is the file's own word.",
    ),
    accepted(
      "receipt-with-own-words",
      { ...usual, note: "VALID", _id: "65f0c0ffee" },
      "The receipt carries members that nobody signed.",
    ),
    accepted(
      "receipt-of-another-context",
      { ...usual, "@context": "https://else.example/receipt/v1" },
      "The context names the format, and nobody signs where it is served.",
    ),
    accepted("receipt-upper-case", spelled, "The issuer has spelled hash and block hash in capitals."),
  ];
}

function pins({ usual, receipt }: Genuine): CorpusFile[] {
  const raw = Buffer.from(SERVICE.publicKey, "base64");
  const hex = bytesToHex(raw);
  const x = raw.toString("base64url");
  const jwk = { kty: "OKP", crv: "Ed25519", x };
  const pem = createPublicKey(SERVICE.privateKey).export({ type: "spki", format: "pem" }).toString();
  const keys: [name: string, key: string][] = [
    ["base64", SERVICE.publicKey],
    ["base64url", x],
    ["base64url-padded", `${x}=`],
    ["hex", hex],
    ["hex-upper-case-without-0x", hex.slice(2).toUpperCase()],
    ["jwk", JSON.stringify(jwk)],
    ["pem", pem],
  ];
  const pinned = (name: string, content: AnchorReceipt, these: Pins, why: string) =>
    accepted(`pin-${name}`, content, why, { pins: these });
  const { address } = PUBLISHERS.service;
  return [
    ...keys.map(([name, key]) => pinned(`key-${name}`, usual, { key }, `The key is pinned as ${name}.`)),
    pinned(
      "jwt-key-of-no-jwt",
      usual,
      { key: SERVICE.publicKey, jwtKey: publicPemOf(JWT_KEY) },
      "The RSA key is pinned, too, which signs no receipt of a hash.",
    ),
    pinned(
      "publisher-checksum-case",
      usual,
      { publisher: address },
      "The publisher is pinned with its checksum in capitals.",
    ),
    pinned(
      "publisher-upper-case",
      usual,
      { publisher: `0x${address.slice(2).toUpperCase()}` },
      "The publisher is pinned in capitals.",
    ),
    pinned("contract", usual, { contract: CONTRACTS.registry }, "This release's contract is pinned."),
    pinned(
      "contract-of-the-copy",
      receipt("in the copy", 1),
      { contract: CONTRACTS.copy },
      "Another contract is pinned, and the anchor is there.",
    ),
    pinned(
      "forger-by-name",
      receipt("forger's", 0, FORGER),
      { key: FORGER.publicKey, publisher: PUBLISHERS.forger.address },
      "Whoever trusts another issuer pins that one.",
    ),
    accepted(
      "pin-none",
      receipt("forger's", 1, FORGER),
      "Nothing is pinned: the issuer is unknown, and the hash was there.",
      { pins: "none" },
    ),
  ];
}

function demands({ usual, consents: { log, first } }: Genuine): CorpusFile[] {
  const strict = { options: { strict: true } };
  return [
    accepted("strict", usual, "Every pin is named, and the block is finalized.", strict),
    accepted("strict-consent", log.proof, "Every pin is named, and somebody states the origin.", {
      ...strict,
      origin: provenOriginOf(log.record),
    }),
    accepted("strict-history", history([first]), "Every pin is named, the RSA key, too.", strict),
    accepted("finality-finalized", usual, "The block is finalized.", { options: { finality: "finalized" } }),
    accepted("finality-unknown", usual, "The node names no final block, and nobody asks for one.", {
      node: "namesNoFinalBlock",
      warnings: ["finalityUnknown"],
    }),
  ];
}
