import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestChain } from "#test/support/chains.ts";
import { replayChain } from "#test/support/replayedChain.ts";
import type { RpcProxy } from "#test/support/rpcProxy.ts";
import { invalidReasons, type UncheckedReason, uncheckedReasons, type Warning } from "#verifier/reason.ts";
import { reportOf } from "#verifier/report.ts";
import { chainFileOf, chainText, readChainFile } from "./chainFile.ts";
import type { CorpusEntry, CorpusFile } from "./corpusFile.ts";
import { makeJournal } from "./journal.ts";
import { CORPUS_FOLDER } from "./keys.ts";
import { indexText, makeCorpus } from "./makeCorpus.ts";
import {
  contentOf,
  expectedOf,
  type Nodes,
  pinsOf,
  readIndex,
  startNodeWithoutTags,
  verifyEntry,
} from "./verifyEntry.ts";

const LAUNCHER = path.resolve(import.meta.dirname, "../../verifier/bin/holdfast-verify.js");
const FOLDERS = ["must-refuse", "must-accept"] as const;
const EXIT_CODES = { valid: 0, invalid: 1, unchecked: 2 } as const;
/** A broken node or a browser without WebCrypto causes these, and no file does. */
const NOT_BY_FILES: readonly UncheckedReason[] = ["rpcUnusable", "rpcContradictory", "noWebCrypto"];
/** One of these of each family goes through the command, too. */
const BY_COMMAND = [
  ...["form-missing-hash", "changed-leafCount", "lie-transaction", "signature-s-plus-order", "pin-other-key"],
  ...["contract-unknown", "strict-without-pins", "forged-record-bare", "origin-of-another-record"],
  ...["disclosure-twice", "claim-record-action", "history-without-the-withdrawal", "file-duplicate-hash"],
  ...["jwt-kid-with-screen-controls.jwt", "hostile-screen", "pdf-signed-then-updated.pdf", "file-empty"],
].map((name) => `must-refuse/${name}`);
const ACCEPTED_BY_COMMAND = [
  "strict",
  "consent-log",
  "consent-jwt.jwt",
  "history",
  "pdf-sr-Cyrl.pdf",
  "pin-key-pem",
].map((name) => `must-accept/${name}`);

const index = readIndex();
const file = readChainFile();
const isRefused = ({ file: name }: CorpusEntry) => name.startsWith("must-refuse/");

let chain: TestChain;
let proxy: RpcProxy;
let nodes: Nodes;
let made: CorpusFile[];
let journalMade: string;

beforeAll(async () => {
  const replayed = await replayChain(file);
  chain = replayed;
  expect(replayed.head).toEqual(file.head);
  proxy = await startNodeWithoutTags(chain.rpcUrl);
  nodes = { usual: chain.rpcUrl, namesNoFinalBlock: proxy.url };
  const { journal, txHashOf } = await makeJournal();
  journalMade = chainText(chainFileOf(journal, replayed.head));
  made = await makeCorpus(chain.rpcUrl, txHashOf);
});
afterAll(async () => {
  await proxy?.stop();
  await chain?.stop();
});

describe("protocol §8: the corpus of files that a verifier must refuse or accept", () => {
  test.each(index.map((entry) => [entry.file, entry] as const))(
    "protocol §8: %s gets its verdict",
    async (name, entry) => {
      const verification = await verifyEntry(entry, { chain: file, nodes });
      expect(expectedOf(verification)).toEqual(entry.expected);
      expect(verification.verdict === "valid").toBe(name.startsWith("must-accept/"));
      const report = reportOf(verification);
      expect(report).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
      // Within a history that is refused, single records may be valid.
      const linesOfVerdict = report.split("\n").filter((line) => /^\W*VALID/.test(line));
      if (isRefused(entry) && !("records" in verification)) expect(linesOfVerdict).toEqual([]);
      expect(report.startsWith("VALID: ")).toBe(verification.verdict === "valid");
    },
  );

  test("it holds 150 files to refuse and 40 to accept, and lists each of them once", () => {
    for (const [place, folder] of FOLDERS.entries()) {
      const listed = index
        .filter(({ file: name }) => name.startsWith(`${folder}/`))
        .map(({ file: name }) => name);
      const there = readdirSync(path.join(CORPUS_FOLDER, folder)).map((name) => `${folder}/${name}`);
      expect(listed.toSorted()).toEqual(there.toSorted());
      expect(listed.length).toBeGreaterThanOrEqual([150, 40][place]!);
    }
  });

  test("it causes every reason for invalid, and every reason for unchecked and every note that a file can cause", () => {
    const reasons = new Set(index.flatMap(({ expected }) => expected.reasons));
    const byFiles = Object.keys(uncheckedReasons).filter(
      (reason) => !NOT_BY_FILES.some((other) => other === reason),
    );
    const expected = [...Object.keys(invalidReasons), ...byFiles];
    expect(expected.filter((reason) => !reasons.has(reason as UncheckedReason))).toEqual([]);
    const notes = new Set(index.flatMap(({ expected: { warnings = [] } }) => warnings));
    const known: Warning[] = [
      "finalityUnknown",
      "rearranged",
      "createdLongBefore",
      "siteDiffers",
      "pagesNotCompared",
      "pdfRevised",
    ];
    expect(known.filter((note) => !notes.has(note))).toEqual([]);
  });

  test("each file comes with one sentence that says why", () => {
    const whys = index.map(({ why }) => why);
    expect(whys.filter((why) => !/^[^\n]{5,160}\.$/.test(why))).toEqual([]);
  });
});

describe("the corpus is what `npm run vectors` makes", () => {
  test("chain and list are made anew with the same bytes", () => {
    expect(journalMade).toBe(readFileSync(path.join(CORPUS_FOLDER, "chain.json"), "utf8"));
    expect(indexText(made)).toBe(readFileSync(path.join(CORPUS_FOLDER, "index.json"), "utf8"));
  });

  test("every file is made anew with the same bytes, and a rendered PDF with the same verdict", async () => {
    const stale: string[] = [];
    for (const { content, isRendered, ...entry } of made) {
      if (!isRendered && !contentOf(entry).equals(content)) stale.push(entry.file);
      if (!isRendered) continue;
      const verification = await verifyEntry(entry, { chain: file, nodes, bytes: content });
      expect({ file: entry.file, ...expectedOf(verification) }).toEqual({
        file: entry.file,
        ...entry.expected,
      });
    }
    expect(stale).toEqual([]);
  });

  test("the chain is another one when a single transaction is missing", async () => {
    const blocks = file.blocks.with(-6, { ...file.blocks.at(-6)!, transactions: [] });
    const other = await replayChain({ ...file, blocks });
    await other.stop();
    expect(other.head.number).toBe(file.head.number);
    expect(other.head.hash).not.toBe(file.head.hash);
  });
});

describe("protocol §8: holdfast-verify ends with 0 for valid, 1 for invalid, 2 for could not check", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "holdfast-corpus-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const named = [...BY_COMMAND, ...ACCEPTED_BY_COMMAND].map((name) =>
    /\.\w+$/.test(name) ? name : `${name}.json`,
  );
  test.each(named)("holdfast-verify %s", async (name) => {
    const entry = index.find((one) => one.file === name)!;
    const { jwtKey, ...pins } = pinsOf(entry, file);
    const args = Object.entries(pins).map(([pin, value]) => `--${pin}=${value}`);
    if (jwtKey !== undefined) {
      const pem = path.join(folder, "jwt-key.pem");
      writeFileSync(pem, jwtKey);
      args.push("--jwt-key", pem);
    }
    if (entry.options?.strict) args.push("--strict");
    const { exitCode, stdout } = await run([path.join(CORPUS_FOLDER, name), "--rpc", nodes.usual, ...args]);
    expect({ exitCode, isValid: stdout.startsWith("VALID: ") }).toEqual({
      exitCode: EXIT_CODES[entry.expected.verdict],
      isValid: entry.expected.verdict === "valid",
    });
    for (const reason of entry.expected.reasons) expect(stdout.split("\n")[0]).toContain(reason);
  });
});

async function run(args: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [stdout, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { exitCode: exitCode as number, stdout };
}
