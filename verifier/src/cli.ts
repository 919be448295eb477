import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { InvalidPinError, normalizePins, type Pins } from "./pins.ts";
import { printable, printableJson } from "./printable.ts";
import { FILE_BYTES_MAX } from "./receiptFile.ts";
import { reportOf } from "./report.ts";
import type { Finality, Verification } from "./verification.ts";
import { type VerifyFileOptions, verifyFile } from "./verifyFile.ts";
import { writeAll } from "./writeAll.ts";

const HELP = `Usage: holdfast-verify <file|-> --rpc URL [options]

Checks an anchor receipt against the chain. Talks to nothing but the RPC URL.

  <file|->           a receipt, an answer of GET /v1/verify/{hash}, a consent with its
                     receipt, disclosures, _sd and origin, a consent receipt as JWT,
                     Kantara 1.1 or DPV, a history of consents, or a proof PDF, which
                     carries its receipt; - reads standard input
  --rpc URL          JSON-RPC of the chain, http or https
  --key KEY          the issuer's Ed25519 public key: base64, base64url, hex or a JWK
  --publisher 0x…    the address that anchors in the issuer's name
  --contract 0x…     the anchor registry's address, where it is not this release's
  --jwt-key FILE     PEM or JWK set with the RSA key of the issuer's JWT receipts
                     and histories
  --finality LEVEL   safe or finalized: how final the block must be (default: included)
  --strict           for scripts: every pin must be named, the block be finalized
  --timeout SECONDS  for each call to the RPC (default 10)
  --json             print the verification as JSON
  --help             print this

Without --key the issuer is unknown, and the report says so: anybody can sign a receipt
with a key of their own. A contract must be this release's, or be named.

Exit code: 0 the receipt is valid, 1 it is invalid, 2 it could not be checked.
`;

const exitCodes = { valid: 0, invalid: 1, unchecked: 2 } as const satisfies Record<
  Verification["verdict"],
  number
>;
const LEVELS: readonly Finality[] = ["included", "safe", "finalized"];

/** The command was called in a way that leaves nothing to check. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

type Arguments = { file: string; json: boolean; options: VerifyFileOptions };

/** Runs the command and answers its exit code. @param args without the program's own name. */
export async function runCli(args: readonly string[]): Promise<0 | 1 | 2> {
  try {
    const parsed = await parseArguments(args);
    if (parsed === "help") return print(HELP, 0);
    const bytes = await readBounded(parsed.file === "-" ? process.stdin : createReadStream(parsed.file));
    const verification = await verifyFile(bytes, parsed.options);
    const text = parsed.json ? `${printableJson(verification, 2)}\n` : reportOf(verification);
    return print(text, exitCodes[verification.verdict]);
  } catch (error) {
    const hint =
      error instanceof UsageError || error instanceof InvalidPinError
        ? "\nholdfast-verify --help tells how to call it."
        : "";
    const message = printable(error instanceof Error ? error.message : String(error));
    process.stderr.write(`holdfast-verify: ${message}${hint}\n`);
    return exitCodes.unchecked;
  }
}

async function parseArguments(args: readonly string[]): Promise<Arguments | "help"> {
  const { values, positionals } = readOptions(args);
  if (values.help) return "help";
  const [file] = positionals;
  if (file === undefined || positionals.length !== 1)
    throw new UsageError("name one file, or - for standard input");
  const { rpc, timeout, json = false, strict = false, key, publisher, contract } = values;
  if (rpc === undefined) throw new UsageError("--rpc is missing");
  if (!/^https?:$/.test(URL.parse(rpc)?.protocol ?? ""))
    throw new UsageError("--rpc is no http or https URL");
  const jwtKeyFile = values["jwt-key"];
  const jwtKey = jwtKeyFile && (await readFile(jwtKeyFile, "utf8"));
  const pins = pinsOf({ key, publisher, contract, jwtKey });
  const finality = finalityOf(values.finality);
  return { file, json, options: { rpc, timeoutMs: timeoutMsOf(timeout), pins, finality, strict } };
}

function readOptions(args: readonly string[]) {
  try {
    const { tokens, ...options } = parseArgs({
      args: [...args],
      allowPositionals: true,
      tokens: true,
      options: {
        rpc: { type: "string" },
        key: { type: "string" },
        publisher: { type: "string" },
        contract: { type: "string" },
        "jwt-key": { type: "string" },
        finality: { type: "string", default: "included" },
        strict: { type: "boolean" },
        timeout: { type: "string", default: "10" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    refuseRepeated(tokens.filter((token) => token.kind === "option"));
    return options;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Of two pins one would count and the other only seem to. */
function refuseRepeated(options: readonly { name: string }[]): void {
  const names = options.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) throw new UsageError(`--${repeated} is given more than once`);
}

function pinsOf(values: { [Name in keyof Pins]: string | undefined }): Pins {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  try {
    return normalizePins(Object.fromEntries(given));
  } catch (error) {
    throw new UsageError(`--${(error as Error).message}`);
  }
}

function finalityOf(text: string): Finality {
  const level = LEVELS.find((known) => known === text);
  if (level === undefined) throw new UsageError(`--finality is none of ${LEVELS.join(", ")}`);
  return level;
}

function timeoutMsOf(seconds: string): number {
  const timeoutMs = Number(seconds) * 1000;
  if (timeoutMs >= 1 && timeoutMs <= 600_000) return timeoutMs;
  throw new UsageError("--timeout is not between 0.001 and 600 seconds");
}

/** One byte more than any file may have, at most: then it is known to be too large, and memory does not grow with it. */
async function readBounded(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > FILE_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

/** A verdict that nobody could read is none: a full disk or a closed pipe is an error. */
function print<Code extends 0 | 1 | 2>(text: string, exitCode: Code): Code {
  writeAll(process.stdout.fd, text);
  return exitCode;
}
