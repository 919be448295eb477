import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { createPublicKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesToHex, type Hex, hexToBytes } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const LAUNCHER = path.join(import.meta.dirname, "../bin/holdfast-verify.js");
const FULL_DISK = "/dev/full";
const NOBODY_LISTENS = "http://127.0.0.1:1";

let chain: TestChain;
let issuer: TestIssuer;
let receipt: AnchorReceipt;
let folder: string;
let receiptFile: string;

beforeAll(async () => {
  chain = await startHardhatChain();
  issuer = await startIssuer(chain);
  [receipt] = (await issuer.anchor([randomHash(), randomHash(), randomHash()])) as [AnchorReceipt];
  folder = await mkdtemp(path.join(tmpdir(), "holdfast-verify-"));
  receiptFile = await fileOf("receipt.json", JSON.stringify(receipt, null, 2));
});
afterAll(async () => {
  await chain?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("protocol §8: holdfast-verify ends with 0 for valid, 1 for invalid, 2 for could not check", () => {
  test("0: a valid receipt, in text and in JSON", async () => {
    const readable = await run([receiptFile, "--rpc", chain.rpcUrl]);
    expect(readable).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readable.stdout).toContain(receipt.hash);
    expect(readable.stdout).toMatch(/not pinned .*key/);
    const { exitCode, stdout } = await run([receiptFile, "--rpc", chain.rpcUrl, "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "valid", reasons: [], receipt });
  });

  test("0: from standard input, and inside an answer of GET /v1/verify", async () => {
    expect(await run(["-", "--rpc", chain.rpcUrl], JSON.stringify(receipt))).toMatchObject({ exitCode: 0 });
    const answer = {
      verified: true,
      status: "anchored",
      hash: receipt.hash,
      anchor: receipt.anchor,
      receipt,
    };
    expect(await run(["-", "--rpc", chain.rpcUrl], JSON.stringify(answer))).toMatchObject({ exitCode: 0 });
  });

  test("0: with every pin met, nothing is left unpinned; keys in every spelling, addresses in any case", async () => {
    const raw = Buffer.from(receipt.publicKey, "base64");
    const keyHex = bytesToHex(raw);
    const x = raw.toString("base64url");
    const jwk = { kty: "OKP", crv: "Ed25519", x };
    const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const spellings = [
      receipt.publicKey,
      keyHex,
      keyHex.slice(2).toUpperCase(),
      x,
      JSON.stringify(jwk),
      `${pem}`,
    ];
    for (const key of spellings) {
      const contract = receipt.anchor.contractAddress;
      // One argument: a PEM begins like an option.
      const pins = [`--key=${key}`, "--publisher", issuer.publisher, "--contract", contract];
      const { exitCode, stdout } = await run([receiptFile, "--rpc", chain.rpcUrl, "--json", ...pins]);
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout).notPinned).toEqual([]);
    }
  });

  test.each([
    ["--key", bytesToHex(randomBytes(32)), "keyNotAsPinned"],
    ["--publisher", bytesToHex(randomBytes(20)), "publisherNotAsPinned"],
    ["--contract", bytesToHex(randomBytes(20)), "contractNotAsPinned"],
  ])("1: a %s that the receipt does not meet", async (option, value, reason) => {
    const { exitCode, stdout } = await run([receiptFile, "--rpc", chain.rpcUrl, option, value, "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).reasons).toEqual([reason]);
  });

  test("1: a false receipt, also when the chain cannot be asked", async () => {
    const lie = { ...receipt, hash: randomHash() };
    const file = await fileOf("lie.json", JSON.stringify(lie));
    expect(await run([file, "--rpc", chain.rpcUrl])).toMatchObject({ exitCode: 1 });
    expect(await run([file, "--rpc", NOBODY_LISTENS])).toMatchObject({ exitCode: 1 });
  });

  const unreadable: [string, string | Uint8Array, string][] = [
    ["an empty file", "", "empty"],
    ["no JSON", "receipt", "no receipt"],
    ["no object", "[]", "holds no receipt"],
    ["a member written twice", '{"hash":1,"hash":2}', "names a member twice"],
    ["no text", hexToBytes("0xff00ff"), "no text"],
    ["half a download", '{"hash":"0x', "no whole JSON"],
    ["a PDF that ends in the middle", "%PDF-1.7\n1 0 obj", "PDF"],
  ];
  test.each(unreadable)("2: a file that cannot be read says what to do: %s", async (_, content, advice) => {
    const file = await fileOf("unreadable.json", content);
    const { exitCode, stdout } = await run([file, "--rpc", NOBODY_LISTENS, "--json"]);
    expect(exitCode).toBe(2);
    const { reasons, checks } = JSON.parse(stdout);
    expect(reasons).toEqual(["unreadable"]);
    expect(checks[0].detail).toContain(advice);
  });

  test("2: an answer of GET /v1/verify without a receipt is not anchored yet", async () => {
    const answer = '{"verified":false,"status":"pending","receipt":null}';
    const { exitCode, stdout } = await run(["-", "--rpc", NOBODY_LISTENS, "--json"], answer);
    expect({ exitCode, reasons: JSON.parse(stdout).reasons }).toEqual({
      exitCode: 2,
      reasons: ["notAnchoredYet"],
    });
  });

  test("0 or 2: --finality and --strict set a floor, and --strict wants every pin", async () => {
    const { publicKey: key, anchor } = receipt;
    const pins = ["--key", key, "--publisher", anchor.publisher, "--contract", anchor.contractAddress];
    const asked = async (...args: string[]) => {
      const { exitCode, stdout } = await run([receiptFile, "--rpc", chain.rpcUrl, "--json", ...args]);
      return { exitCode, reasons: JSON.parse(stdout).reasons };
    };
    // Hardhat's node calls its newest block final.
    expect(await asked("--finality", "finalized")).toEqual({ exitCode: 0, reasons: [] });
    expect(await asked("--strict", ...pins)).toEqual({ exitCode: 0, reasons: [] });
    expect(await asked("--strict")).toEqual({ exitCode: 2, reasons: ["pinMissing"] });
    expect(await asked("--strict", "--key", key)).toEqual({ exitCode: 2, reasons: ["pinMissing"] });
  });

  test("the sentence says that the issuer is unknown, unless its key is pinned", async () => {
    const unpinned = await run([receiptFile, "--rpc", chain.rpcUrl]);
    expect(unpinned.stdout).toMatch(/^VALID: 0x.*; issuer unknown\.\n/);
    const pinned = await run([receiptFile, "--rpc", chain.rpcUrl, "--key", receipt.publicKey]);
    expect(pinned.stdout).toMatch(/^VALID: 0x.*, by the pinned issuer\.\n/);
  });

  test("1: an answer of GET /v1/verify about another hash than that of the receipt in it", async () => {
    for (const claim of [
      { verified: true, hash: randomHash() },
      { verified: false, hash: receipt.hash },
    ]) {
      const answer = JSON.stringify({ ...claim, receipt });
      const { exitCode, stdout } = await run(["-", "--rpc", chain.rpcUrl, "--json"], answer);
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout).reasons).toEqual(["notAReceipt"]);
    }
  });

  test("2: nobody answers at the RPC URL", async () => {
    const { exitCode, stdout } = await run([receiptFile, "--rpc", NOBODY_LISTENS, "--json"]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "unchecked",
      reasons: ["rpcUnusable", "notReached"],
    });
  });

  test.each([
    [[]],
    [["receipt.json"]],
    [["--rpc", NOBODY_LISTENS]],
    [["a", "b", "--rpc", NOBODY_LISTENS]],
    [["receipt.json", "--rpc", "file:///etc/passwd"]],
    [["receipt.json", "--rpc", "localhost"]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--unknown"]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--key", "short"]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--publisher", "0x12"]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--contract", ""]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--timeout", "0"]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--finality", "soon"]],
    [["/no/such/file", "--rpc", NOBODY_LISTENS]],
    [["receipt.json", "--rpc", NOBODY_LISTENS, "--rpc", NOBODY_LISTENS]],
  ])("2: %j leaves nothing to check, and says so on standard error", async (args) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^holdfast-verify: /);
  });
});

describe("protocol §8: holdfast-verify never ends with 1 where nothing was found invalid", () => {
  test.each(["key", "publisher", "contract"] as const)(
    "2: --%s given twice, of which one would count",
    async (pin) => {
      const { publicKey: key, anchor } = receipt;
      const { publisher, contractAddress: contract } = anchor;
      const value = { key, publisher, contract }[pin];
      const args = [receiptFile, "--rpc", chain.rpcUrl, `--${pin}`, otherThan(value), `--${pin}=${value}`];
      const { exitCode, stdout, stderr } = await run(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(`--${pin} is given more than once`);
    },
  );

  test.skipIf(!existsSync(FULL_DISK))("2: a valid receipt, and a full disk to write that on", async () => {
    const disk = await open(FULL_DISK, "w");
    const args = [receiptFile, "--rpc", chain.rpcUrl];
    expect(await endOf(launch(args, ["ignore", disk.fd, "pipe"]))).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^holdfast-verify: .*ENOSPC/),
    });
    expect(await endOf(launch(args, ["ignore", disk.fd, disk.fd]))).toMatchObject({ exitCode: 2 });
    await disk.close();
  });

  test("2: a valid receipt, and nobody left to read that", async () => {
    const child = launch([receiptFile, "--rpc", chain.rpcUrl], ["ignore", "pipe", "pipe"]);
    child.stdout!.destroy();
    expect(await endOf(child)).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^holdfast-verify: .*EPIPE/),
    });
  });

  test("2: a valid receipt, and a disk that takes the beginning of the verdict alone", async () => {
    const file = path.join(folder, "verdict.json");
    const command = `trap "" XFSZ; ulimit -f 1; exec "$0" "$@" > "${file}"`;
    const args = [process.execPath, LAUNCHER, receiptFile, "--rpc", chain.rpcUrl, "--json"];
    const child = spawn("bash", ["-c", command, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    expect(await endOf(child)).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^holdfast-verify: .*EFBIG/),
    });
    expect((await readFile(file)).length).toBe(1_024);
  });

  test("a reader that is slow gets all of a verdict that is larger than any pipe", async () => {
    const large = JSON.stringify({ receipt: null, disclosures: [], _sd: [], note: "x".repeat(1_000_000) });
    const args = [await fileOf("large.json", large), "--rpc", NOBODY_LISTENS, "--json"];
    for (const nonBlocking of [false, true]) {
      const child = nonBlocking ? launchNonBlocking(args) : launch(args, ["ignore", "pipe", "inherit"]);
      const ended = once(child, "exit");
      const chunks: Buffer[] = [];
      for await (const chunk of child.stdout!) {
        chunks.push(chunk);
        await delay(1);
      }
      expect(await ended).toEqual([2, null]);
      expect(JSON.parse(Buffer.concat(chunks).toString()).notProven).toEqual([
        { name: "note", value: "x".repeat(1_000_000) },
      ]);
    }
  });

  test("no run of many at once ends without its whole verdict", async () => {
    const args = [receiptFile, "--rpc", NOBODY_LISTENS, "--json"];
    for (let round = 0; round < 4; round++) {
      const runs = await Promise.all(Array.from({ length: 8 }, () => run(args)));
      for (const { exitCode, stdout } of runs) {
        expect(exitCode).toBe(2);
        expect(JSON.parse(stdout).reasons).toEqual(["rpcUnusable", "notReached"]);
      }
    }
  });

  test("2: what the command is made of is not installed", async () => {
    const root = path.join(import.meta.dirname, "../..");
    const bare = path.join(folder, "bare");
    for (const part of ["package.json", "protocol/src", "verifier/bin", "verifier/src"])
      await cp(path.join(root, part), path.join(bare, part), { recursive: true });
    const launcher = path.join(bare, "verifier/bin/holdfast-verify.js");
    const child = launch([receiptFile, "--rpc", chain.rpcUrl], ["ignore", "ignore", "pipe"], launcher);
    expect(await endOf(child)).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^holdfast-verify: could not start: Cannot find package/),
    });
  });
});

test("--help tells every option and ends with 0", async () => {
  const { exitCode, stdout } = await run(["--help"]);
  expect(exitCode).toBe(0);
  for (const option of ["--rpc", "--key", "--publisher", "--contract", "--timeout", "--json"]) {
    expect(stdout).toContain(option);
  }
});

async function run(
  args: readonly string[],
  input = "",
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: folder, stdio: "pipe" });
  child.stdin.on("error", () => {}); // the command may end without reading its input
  child.stdin.end(input);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { exitCode: exitCode as number, stdout, stderr };
}

function launch(args: readonly string[], stdio: StdioOptions, launcher = LAUNCHER): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], { cwd: folder, stdio });
}

/** Its standard output is a pipe that does not block, as another program may have left it. */
function launchNonBlocking(args: readonly string[]): ChildProcess {
  const code = "import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])";
  return spawn("python3", ["-c", code, process.execPath, LAUNCHER, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function endOf(child: ChildProcess): Promise<{ exitCode: number; stderr: string }> {
  const [stderr, [exitCode]] = await Promise.all([
    child.stderr === null ? "" : text(child.stderr),
    once(child, "exit"),
  ]);
  return { exitCode: exitCode as number, stderr };
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, content);
  return file;
}

/** A well-formed key or address that is not this one. */
function otherThan(pin: string): string {
  return pin.startsWith("0x") ? bytesToHex(randomBytes(20)) : randomBytes(32).toString("base64");
}

function randomHash(): Hex {
  return bytesToHex(randomBytes(32));
}
