import { pathToFileURL } from "node:url";
import { parseStrictJson } from "#protocol/strictJson.ts";
import type { Row } from "./row.ts";

const ROUNDS = 8;
const CHARACTERS_PER_ROUND = 20_000_000;

/** What strictness costs every request: parseStrictJson against JSON.parse, for the bodies of one hash and of a batch. */
export async function run(): Promise<Row[]> {
  const item = (i: number) => ({
    hash: `0x${i.toString(16).padStart(64, "a")}`,
    externalId: `order-${1_000_000 + i}`,
  });
  const batch = { hashes: Array.from({ length: 100 }, (_, i) => item(i)) };
  return [measure("body of one hash", item(1)), measure("body of a batch of 100", batch)];
}

function measure(name: string, body: unknown): Row {
  const text = JSON.stringify(body);
  let native = Number.POSITIVE_INFINITY;
  let strict = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    native = Math.min(native, nanoseconds(text, JSON.parse));
    strict = Math.min(strict, nanoseconds(text, parseStrictJson));
  }
  return {
    name: `strict JSON, ${name} (${text.length} bytes), against JSON.parse`,
    measured: `${Math.round(strict)} ns`,
    baseline: `${Math.round(native)} ns`,
    ratio: strict / native,
    promise: "≤ 3",
  };
}

function nanoseconds(text: string, parse: (text: string) => unknown): number {
  const times = Math.ceil(CHARACTERS_PER_ROUND / text.length);
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) parse(text);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1_000) / times;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.table(await run());
