import type { Pins } from "#verifier/pins.ts";
import { type InvalidReason, invalidReasons, type UncheckedReason, type Warning } from "#verifier/reason.ts";
import type { Finality, ProvenOrigin, Verification } from "#verifier/verification.ts";

/**
 * `all`: key, publisher and contract of the service. `allWithJwtKey`: its RSA key, too, as for JWTs
 * and histories.
 */
export type PinsOfFile = "all" | "allWithJwtKey" | "none" | Pins;

/** What the list says of a file. `warnings` and `origin` that are left out are none. */
export type CorpusEntry = {
  file: string;
  pins: PinsOfFile;
  options?: { strict?: boolean; finality?: Finality };
  /** `namesNoFinalBlock`: the node behind the RPC knows neither a safe nor a finalized block. */
  node?: "namesNoFinalBlock";
  expected: {
    verdict: Verification["verdict"];
    reasons: (InvalidReason | UncheckedReason)[];
    warnings?: Warning[];
    origin?: ProvenOrigin;
  };
  /** One sentence. */
  why: string;
};

/**
 * A file of the corpus and its entry in the list. `isRendered`: other tools wrote the bytes, which
 * may differ by their version.
 */
export type CorpusFile = CorpusEntry & { content: Uint8Array; isRendered?: boolean };

type More = Partial<Pick<CorpusEntry, "pins" | "options" | "node">> & {
  warnings?: readonly Warning[];
  origin?: ProvenOrigin;
  isRendered?: boolean;
};
type Content = Uint8Array | string | object;

/** Of a file that nobody may take for valid. Names without a suffix get that of their kind. */
export function refused(
  name: string,
  content: Content,
  reasons: readonly (InvalidReason | UncheckedReason)[],
  why: string,
  more: More = {},
): CorpusFile {
  const verdict = reasons.some((reason) => reason in invalidReasons) ? "invalid" : "unchecked";
  return fileOf(`must-refuse/${name}`, content, { verdict, reasons: [...reasons] }, why, more);
}

/** Of a genuine file, that nobody may refuse. */
export function accepted(name: string, content: Content, why: string, more: More = {}): CorpusFile {
  return fileOf(`must-accept/${name}`, content, { verdict: "valid", reasons: [] }, why, more);
}

function fileOf(
  name: string,
  content: Content,
  expected: CorpusEntry["expected"],
  why: string,
  { pins = "all", options, node, warnings, origin, isRendered = false }: More,
): CorpusFile {
  return {
    file: /\.\w+$/.test(name) ? name : `${name}.json`,
    pins: pins === "all" && hasJwt(content) ? "allWithJwtKey" : pins,
    ...(options && { options }),
    ...(node && { node }),
    expected: { ...expected, ...(warnings && { warnings: [...warnings] }), ...(origin && { origin }) },
    why,
    content: bytesOf(content),
    isRendered,
  };
}

/** Receipts as JWT, and histories, which carry the service's statement as one. */
function hasJwt(content: Content): boolean {
  if (typeof content === "string") return isJwt(content.replace("\ufeff", ""));
  const { data = content } = content as { data?: object };
  return "records" in data || isJwt((data as { receipt?: unknown }).receipt);
}

function isJwt(text: unknown): boolean {
  return typeof text === "string" && /^eyJ[\w-]+\./.test(text);
}

function bytesOf(content: Content): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
}
