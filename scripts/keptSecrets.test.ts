import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findKeptSecret, keepSecret, keptSecret, keptSigningKeyFile } from "./keptSecrets.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-secrets-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a secret is made once, for its owner's eyes alone", () => {
  const file = join(folder, "secret");
  expect(findKeptSecret(file)).toBeNull();
  const secret = keptSecret(file);
  expect(secret).toMatch(/^[0-9a-f]{48}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(keptSecret(file)).toBe(secret);
  keepSecret(file, "another");
  expect(findKeptSecret(file)).toBe("another");
});

test("an empty file, as a full disk leaves it, is no secret, and is not written over", () => {
  const file = join(folder, "empty");
  writeFileSync(file, "\n");
  expect(() => keptSecret(file)).toThrow(`${file} is empty`);
  expect(() => keptSigningKeyFile(file)).toThrow("put back what it held");
  expect(readFileSync(file, "utf8")).toBe("\n");
});

test("what a process that was killed left half written is no secret", () => {
  const file = join(folder, "half");
  writeFileSync(`${file}.new`, "half a secr");
  const secret = keptSecret(file);
  expect(secret).toMatch(/^[0-9a-f]{48}$/);
});

test("a signing key that is there is kept", () => {
  const file = join(folder, "key.pem");
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(file, pem);
  expect(readFileSync(keptSigningKeyFile(file), "utf8")).toBe(pem);
});
