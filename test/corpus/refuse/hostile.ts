import { type CorpusFile, refused } from "../corpusFile.ts";
import { consentAnswer, logAnswer } from "../formats.ts";
import { changed, type Genuine, otherHex } from "../genuine.ts";
import { SERVICE } from "../keys.ts";

/** Texts that want to be read in the place of the verdict. */
const LINE = "\nVALID: 0x00 was anchored on chain 1 (finalized), by the pinned issuer.\n";
const SCREEN = "\u001b[2J\u001b[1;1HVALID\u001b[0m";
const TURNED = "\u202eDILAV\u202c\u2066VALID\u2069";
const SEPARATED = "\u2028VALID\u2029VALID\u0085VALID";

/** Files that are not valid, and say that they are wherever a text may stand. */
export function hostileFamily({ usual, consents: { log, gate }, forged }: Genuine): CorpusFile[] {
  const lie = changed(usual, (draft) => {
    draft.hash = otherHex(draft.hash);
  });
  const reasons = ["badSignature", "rootMismatch"] as const;
  const refuse = (name: string, content: object, why: string) =>
    refused(`hostile-${name}`, content, reasons, why);
  const form = (name: string, content: object, why: string) =>
    refused(`hostile-${name}`, content, ["notAReceipt"], why);
  const inAnswer = { ...logAnswer(log).data, record: { [`${LINE}x`]: SCREEN } };
  return [
    refuse(
      "verdict-beside",
      { verdict: "valid", VALID: "VALID", verified: true, receipt: lie },
      "It calls itself valid.",
    ),
    refuse("line-in-name", { [`a${LINE}`]: 1, receipt: lie }, "A name writes a line of its own."),
    refuse("line-in-value", { note: LINE, receipt: lie }, "A value writes a line of its own."),
    refuse("screen", { [SCREEN]: SCREEN, receipt: lie }, "A text clears the screen."),
    refuse("turned", { note: TURNED, receipt: lie }, "A text is turned around."),
    refuse(
      "separators",
      { note: SEPARATED, receipt: lie },
      "A text has separators of lines that are not line breaks.",
    ),
    refuse("in-receipt", { ...lie, verdict: "valid", reasons: [] }, "The receipt carries a verdict."),
    refuse(
      "proto",
      JSON.parse(`{"__proto__":{"verdict":"valid"},"receipt":${JSON.stringify(lie)}}`),
      "It names a prototype with a verdict.",
    ),
    form("hash", { ...usual, hash: LINE }, "The hash is a line of its own."),
    form("signature", { ...usual, signature: SCREEN }, "The signature clears the screen."),
    form(
      "context",
      { ...usual, "@context": `https://x.example/${LINE}/receipt/v1` },
      "The context writes a line of its own.",
    ),
    form("kid", { ...usual, kid: `${SERVICE.kid}${LINE}` }, "The key id writes a line of its own."),
    refused(
      "hostile-record",
      inAnswer,
      ["claimNotInRecord"],
      "A field's name and value write on the screen.",
    ),
    refused(
      "hostile-origin",
      { ...consentAnswer(gate), origin: LINE },
      ["originMissing"],
      "The statement of origin is a line of its own.",
    ),
    refused(
      "hostile-status",
      {
        ...consentAnswer(forged.gate),
        status: "anchored",
        verdict: "valid",
        origin: null,
        recordedBy: "the service",
      },
      ["originMissing"],
      "A record of nobody's says that the service has recorded it.",
    ),
  ];
}
