import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { isPdf, readReceiptAttachment } from "./pdfAttachment.ts";
import { InvalidPinError, normalizePins, type Pins } from "./pins.ts";
import { reportOf } from "./report.ts";
import type { Verification } from "./verification.ts";
import { verifyFile } from "./verifyFile.ts";

const HELP = `Usage: holdfast-verify <file|-> --rpc URL [options]

Checks an anchor receipt against the chain. Talks to nothing but the RPC URL.

  <file|->           a receipt, an answer of GET /v1/verify/{hash}, a consent with its
                     receipt, disclosures and _sd, a consent receipt as JWT, Kantara 1.1
                     or DPV, a history of consents, or a proof PDF, which carries its
                     receipt; - reads standard input
  --rpc URL          JSON-RPC of the chain, http or https
  --key KEY          the issuer's Ed25519 public key, base64 or hex
  --publisher 0x…    the address that anchors in the issuer's name
  --contract 0x…     the anchor registry's address
  --jwt-key FILE     PEM or JWK set with the RSA key of the issuer's JWT receipts
                     and histories
  --timeout SECONDS  for each call to the RPC (default 10)
  --json             print the verification as JSON
  --help             print this

What --key, --publisher, --contract and --jwt-key do not name is reported as "not pinned".

Exit code: 0 the receipt is valid, 1 it is invalid, 2 it could not be checked.
`;

const exitCodes = { valid: 0, invalid: 1, unchecked: 2 } as const satisfies Record<
  Verification["verdict"],
  number
>;

/** The command was called in a way that leaves nothing to check. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

type Arguments = { file: string; rpc: string; pins: Pins; timeoutMs: number; json: boolean };

/** Runs the command and answers its exit code. @param args without the program's own name. */
export async function runCli(args: readonly string[]): Promise<0 | 1 | 2> {
  try {
    const parsed = await parseArguments(args);
    if (parsed === "help") return print(HELP, 0);
    const bytes = await readInput(parsed.file);
    const { rpc, pins, timeoutMs } = parsed;
    const verification = await verifyFile(bytes, { rpc, pins, timeoutMs });
    const text = parsed.json ? `${JSON.stringify(verification, null, 2)}\n` : reportOf(verification);
    return print(text, exitCodes[verification.verdict]);
  } catch (error) {
    const hint =
      error instanceof UsageError || error instanceof InvalidPinError
        ? "\nholdfast-verify --help tells how to call it."
        : "";
    process.stderr.write(
      `holdfast-verify: ${error instanceof Error ? error.message : String(error)}${hint}\n`,
    );
    return exitCodes.unchecked;
  }
}

async function parseArguments(args: readonly string[]): Promise<Arguments | "help"> {
  const { values, positionals } = readOptions(args);
  if (values.help) return "help";
  const [file] = positionals;
  if (file === undefined || positionals.length !== 1)
    throw new UsageError("name one file, or - for standard input");
  const { rpc, timeout, json = false, key, publisher, contract } = values;
  if (rpc === undefined) throw new UsageError("--rpc is missing");
  if (!/^https?:$/.test(URL.parse(rpc)?.protocol ?? ""))
    throw new UsageError("--rpc is no http or https URL");
  const jwtKeyFile = values["jwt-key"];
  const jwtKey = jwtKeyFile && (await readFile(jwtKeyFile, "utf8"));
  const pins = pinsOf({ key, publisher, contract, jwtKey });
  return { file, rpc, timeoutMs: timeoutMsOf(timeout), json, pins };
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

function timeoutMsOf(seconds: string): number {
  const timeoutMs = Number(seconds) * 1000;
  if (timeoutMs >= 1 && timeoutMs <= 600_000) return timeoutMs;
  throw new UsageError("--timeout is not between 0.001 and 600 seconds");
}

async function readInput(file: string): Promise<Uint8Array> {
  const bytes = await (file === "-" ? buffer(process.stdin) : readFile(file));
  return isPdf(bytes) ? readReceiptAttachment(bytes) : bytes;
}

/** A verdict that nobody could read is none: a full disk or a closed pipe is an error. */
function print<Code extends 0 | 1 | 2>(text: string, exitCode: Code): Promise<Code> {
  return new Promise((resolve, reject) => {
    process.stdout.once("error", reject);
    // Only when the pipe has taken it all may the process end.
    process.stdout.write(text, (error) => (error ? reject(error) : resolve(exitCode)));
  });
}
