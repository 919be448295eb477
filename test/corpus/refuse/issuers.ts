import { bytesToHex } from "#protocol/bytes.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { history, jwtClaims } from "../formats.ts";
import { type Genuine, otherHex, resigned } from "../genuine.ts";
import { CONTRACTS, PUBLISHERS } from "../journal.ts";
import { FORGER, SERVICE } from "../keys.ts";
import { jwtOf } from "../statements.ts";

const serviceKey = SERVICE.publicKey;
const servicePublisher = PUBLISHERS.service.address;

/** True anchors of somebody else, wrong pins, and demands that are not met. */
export function issuerFamily(genuine: Genuine): CorpusFile[] {
  return [...otherAnchors(genuine), ...otherContracts(genuine), ...wrongPins(genuine), ...demands(genuine)];
}

function otherAnchors({ receipt }: Genuine): CorpusFile[] {
  const forgers = receipt("forger's", 0, FORGER);
  const posing = resigned(
    forgers,
    ({ anchor }) => {
      anchor.publisher = servicePublisher.toLowerCase() as typeof anchor.publisher;
    },
    FORGER,
  );
  const claimed = resigned(
    receipt("forger's in a shared block", 0, FORGER),
    ({ anchor }) => Object.assign(anchor, { ...receipt("many 1").anchor }),
    FORGER,
  );
  return [
    refused(
      "anchor-of-another-publisher",
      forgers,
      ["keyNotAsPinned", "publisherNotAsPinned"],
      "Somebody else has anchored and signed it.",
    ),
    refused(
      "anchor-of-another-publisher-only-publisher-pinned",
      forgers,
      ["publisherNotAsPinned"],
      "Somebody else has anchored it.",
      { pins: { publisher: servicePublisher } },
    ),
    refused(
      "anchor-of-another-publisher-only-key-pinned",
      forgers,
      ["keyNotAsPinned"],
      "Somebody else has signed it.",
      { pins: { key: serviceKey } },
    ),
    refused(
      "anchor-of-another-publisher-in-the-pinned-name",
      posing,
      ["notAnchored"],
      "The root was anchored by somebody else than the receipt says.",
      { pins: { publisher: servicePublisher } },
    ),
    refused(
      "anchor-of-another-publisher-in-the-same-block",
      claimed,
      ["notAnchored"],
      "The forger's root stands in a block of the service, and the receipt names the service's event.",
      { pins: { publisher: servicePublisher } },
    ),
    refused(
      "anchor-of-another-publisher-signed-by-service",
      receipt("forger's", 1),
      ["publisherNotAsPinned"],
      "The service has signed a receipt of somebody else's anchor.",
    ),
  ];
}

function otherContracts({ receipt }: Genuine): CorpusFile[] {
  const inCopy = receipt("in the copy");
  return [
    refused(
      "contract-unknown",
      inCopy,
      ["contractUnknown"],
      "The anchor is in a contract that no release knows and nobody named.",
      { pins: "none" },
    ),
    refused(
      "contract-unknown-key-and-publisher-pinned",
      inCopy,
      ["contractUnknown"],
      "The anchor is in a contract that no release knows and nobody named.",
      { pins: { key: serviceKey, publisher: servicePublisher } },
    ),
    refused("contract-not-as-pinned", inCopy, ["contractNotAsPinned"], "The anchor is in another contract."),
    refused(
      "contract-of-the-copy-renamed",
      resigned(inCopy, ({ anchor }) => {
        anchor.contractAddress = CONTRACTS.registry;
      }),
      ["notAnchored"],
      "The anchor is in the copy, and the receipt names this release's registry.",
    ),
  ];
}

function wrongPins({ usual }: Genuine): CorpusFile[] {
  return [
    refused("pin-other-key", usual, ["keyNotAsPinned"], "Another key is pinned.", {
      pins: { key: FORGER.publicKey },
    }),
    refused("pin-other-publisher", usual, ["publisherNotAsPinned"], "Another publisher is pinned.", {
      pins: { publisher: PUBLISHERS.forger.address },
    }),
    refused("pin-other-contract", usual, ["contractNotAsPinned"], "Another contract is pinned.", {
      pins: { contract: CONTRACTS.copy },
    }),
    refused(
      "pin-all-others",
      usual,
      ["keyNotAsPinned", "publisherNotAsPinned", "contractNotAsPinned"],
      "Nothing is as pinned.",
      {
        pins: {
          key: bytesToHex(Buffer.from(FORGER.publicKey, "base64")),
          publisher: PUBLISHERS.forger.address,
          contract: otherHex(CONTRACTS.registry),
        },
      },
    ),
  ];
}

function demands({ usual, consents: { first } }: Genuine): CorpusFile[] {
  const isStrict = { options: { strict: true } } as const;
  const late = { node: "namesNoFinalBlock", warnings: ["finalityUnknown"] } as const;
  const pinMissing = (name: string, pins: { key?: string; publisher?: string }) =>
    refused(`strict-${name}`, usual, ["pinMissing"], "A strict check wants every pin.", {
      ...isStrict,
      pins,
    });
  return [
    refused("strict-without-pins", usual, ["pinMissing"], "A strict check wants every pin.", {
      ...isStrict,
      pins: "none",
    }),
    pinMissing("without-publisher", { key: serviceKey }),
    pinMissing("without-key", { publisher: servicePublisher }),
    ...[{ receipt: jwtOf(jwtClaims(first)) }, history([first])].map((content, place) =>
      refused(
        `strict-${["jwt", "history"][place]}-without-jwt-key`,
        content,
        ["pinMissing"],
        "A strict check wants the RSA key, too.",
        {
          ...isStrict,
          pins: { key: serviceKey, publisher: servicePublisher, contract: CONTRACTS.registry },
        },
      ),
    ),
    refused(
      "finality-finalized-not-reached",
      usual,
      ["notFinalEnough"],
      "The node names no finalized block.",
      {
        options: { finality: "finalized" },
        ...late,
      },
    ),
    refused("finality-safe-not-reached", usual, ["notFinalEnough"], "The node names no safe block.", {
      options: { finality: "safe" },
      ...late,
    }),
    refused("strict-not-final", usual, ["notFinalEnough"], "A strict check wants a finalized block.", {
      ...isStrict,
      ...late,
    }),
  ];
}
