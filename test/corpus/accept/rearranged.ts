import { accepted, type CorpusFile } from "../corpusFile.ts";
import { dpv, history, kantara, logAnswer } from "../formats.ts";
import { type Genuine, provenOriginOf } from "../genuine.ts";

const REARRANGED = { warnings: ["rearranged"] } as const;

/** Genuine files that some program has written anew. */
export function rearrangedFamily({ usual, consents: { log, first, second } }: Genuine): CorpusFile[] {
  const origin = provenOriginOf(log.record);
  const answer = logAnswer(log);
  const text = JSON.stringify(usual);
  const sorted = inOrder(usual, byCodeUnit) as object;
  return [
    accepted(
      "rearranged-jsonb",
      inOrder(usual, asJsonb) as object,
      "PostgreSQL's jsonb has stored it: shorter names first.",
      REARRANGED,
    ),
    accepted(
      "rearranged-sort-keys",
      pythonText(sorted),
      "Python has written it with sort_keys, and blanks after commas and colons.",
      REARRANGED,
    ),
    accepted(
      "rearranged-mongodb",
      { _id: { $oid: "65f0c0ffee65f0c0ffee65f0" }, ...sorted },
      "MongoDB has put an _id before it.",
      REARRANGED,
    ),
    accepted(
      "rearranged-reversed",
      inOrder(usual, (one, other) => byCodeUnit(other, one)) as object,
      "Every member stands in the reverse order.",
      REARRANGED,
    ),
    accepted(
      "rearranged-steps-alone",
      { ...usual, proof: inOrder(usual.proof, byCodeUnit) },
      "The members of the path's steps are exchanged.",
      REARRANGED,
    ),
    accepted(
      "rearranged-answer-jsonb",
      inOrder(answer, asJsonb) as object,
      "PostgreSQL's jsonb has stored a whole answer.",
      { ...REARRANGED, origin },
    ),
    accepted(
      "rearranged-answer-sort-keys",
      inOrder(answer, byCodeUnit) as object,
      "A whole answer was written with sorted names.",
      { ...REARRANGED, origin },
    ),
    accepted(
      "rearranged-kantara-jsonb",
      inOrder(kantara(second), asJsonb) as object,
      "jsonb has stored a Kantara receipt.",
      {
        ...REARRANGED,
        origin: provenOriginOf(second.record),
      },
    ),
    accepted(
      "rearranged-dpv-sort-keys",
      inOrder(dpv(second), byCodeUnit) as object,
      "A DPV receipt was written with sorted names.",
      {
        ...REARRANGED,
        origin: provenOriginOf(second.record),
      },
    ),
    accepted(
      "rearranged-history-jsonb",
      inOrder(history([first, second]), asJsonb) as object,
      "jsonb has stored a history.",
    ),
    accepted(
      "rearranged-first-level",
      Object.fromEntries(Object.entries(usual).reverse()),
      "The first level alone stands in the reverse order, which is not signed.",
    ),
    accepted("written-pretty", JSON.stringify(usual, null, 2), "It is indented."),
    accepted(
      "written-with-tabs",
      `\n\t${JSON.stringify(usual, null, "\t")}\n\n`,
      "It is indented with tabs, with lines around it.",
    ),
    accepted(
      "written-with-crlf",
      JSON.stringify(usual, null, 2).replaceAll("\n", "\r\n"),
      "It has the line ends of Windows.",
    ),
    accepted("written-with-byte-order-mark", `\ufeff${text}`, "It begins with a byte order mark."),
    accepted(
      "written-in-utf-16le",
      Buffer.from(`\ufeff${text}`, "utf16le"),
      "PowerShell has written it, in UTF-16.",
    ),
    accepted(
      "written-in-utf-16be",
      Buffer.from(`\ufeff${text}`, "utf16le").swap16(),
      "It is UTF-16 in the order of the network.",
    ),
    accepted("written-with-escapes", escaped(JSON.stringify(answer)), "Everything but ASCII is escaped.", {
      origin,
    }),
    accepted("written-with-escaped-solidus", text.replaceAll("/", "\\/"), "PHP has escaped every solidus."),
    accepted(
      "written-with-fractions",
      text.replace(/":(\d+)([,}])/g, '":$1.0$2'),
      "Every number is written with a fraction of zero.",
    ),
    accepted("list-of-one", [usual], "A query for one row has given a list of it."),
    accepted("list-of-one-answer", [{ data: { receipt: usual } }], "A list holds one answer."),
  ];
}

type Order = (one: string, other: string) => number;

function inOrder(value: unknown, order: Order): unknown {
  if (Array.isArray(value)) return value.map((one) => inOrder(one, order));
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([one], [other]) => order(one, other));
  return Object.fromEntries(sorted.map(([name, inner]) => [name, inOrder(inner, order)]));
}

function byCodeUnit(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function asJsonb(one: string, other: string): number {
  return one.length - other.length || byCodeUnit(one, other);
}

/**
 * json.dumps puts a blank after commas and colons; no text of a receipt has both beside a quotation
 * mark.
 */
function pythonText(value: object): string {
  return JSON.stringify(value, null, 1)
    .replace(/,\n\s*/g, ", ")
    .replace(/\n\s*/g, "");
}

function escaped(text: string): string {
  return text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
