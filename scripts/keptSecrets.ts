import { generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A secret text in a file of mode 0600, made once. */
export function keptSecret(file: string, make = () => randomBytes(24).toString("hex")): string {
  const known = findKeptSecret(file);
  if (known !== null) return known;
  const secret = make();
  keepSecret(file, secret);
  return secret;
}

/** The secret that was kept in the file, or null. @throws when the file is empty, as none of ours ever is. */
export function findKeptSecret(file: string): string | null {
  if (!existsSync(file)) return null;
  const secret = readFileSync(file, "utf8").trim();
  if (secret === "")
    throw new Error(`${file} is empty: put back what it held, or delete it with what it opens`);
  return secret;
}

/** Writes the file (mode 0600) whole or not at all, over an earlier one, and returns once it is on the disk: what it opens may be stored next. */
export function keepSecret(file: string, secret: string): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, secret, { mode: 0o600, flush: true });
  renameSync(unfinished, file);
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** The file with the Ed25519 key that signs receipts (PKCS #8 PEM, mode 0600), made once. */
export function keptSigningKeyFile(file: string): string {
  keptSecret(file, () =>
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  return file;
}
