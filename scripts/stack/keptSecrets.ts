import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** A secret text in a file of mode 0600, made once. */
export function keptSecret(file: string): string {
  const known = findKeptSecret(file);
  if (known !== null) return known;
  const secret = randomBytes(24).toString("hex");
  keepSecret(file, secret);
  return secret;
}

/** The secret that was kept in the file, or null. */
export function findKeptSecret(file: string): string | null {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : null;
}

/** Writes the file (mode 0600) whole or not at all, over an earlier one. */
export function keepSecret(file: string, secret: string): void {
  writeFileSync(`${file}.new`, secret, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The file with the Ed25519 key that signs receipts (PKCS #8 PEM, mode 0600), made once. */
export function keptSigningKeyFile(file: string): string {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  }
  return file;
}
