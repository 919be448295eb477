import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

const FORMAT = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12; // NIST SP 800-38D §5.2.1.1
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES;

/** Seals secrets for the database with AES-256-GCM. `context` says what a secret is for; sealed for one thing it opens for no other. */
export type SecretBox = {
  /** Format byte, key id, nonce, ciphertext, tag. */
  seal(plaintext: Uint8Array, context: string): Buffer;
  /** @throws {UnopenableSecretError} when no known key opens it, or it was changed. */
  open(sealed: Uint8Array, context: string): Buffer;
  /** Whether the current key has sealed it; if not, it waits for the rotation command. */
  isCurrent(sealed: Uint8Array): boolean;
  /** `<key id>:<HMAC-SHA256>` in hex, under the current key: equal texts are told, and guessed by nobody without the secret. */
  mac(text: string, context: string): string;
};

export class UnopenableSecretError extends Error {
  override name = "UnopenableSecretError";
  constructor(context: string) {
    super(`${context}: no key in CHAIN_KEY_ENCRYPTION_SECRET opens it`);
  }
}

/** @param secrets texts of 32 characters or more; the first seals, all open. */
export function createSecretBox(secrets: readonly string[]): SecretBox {
  const keys = secrets.map(deriveKey);
  const current = keys[0]!;

  return {
    seal(plaintext, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const header = Buffer.concat([Buffer.of(FORMAT), current.id, nonce]);
      const cipher = createCipheriv("aes-256-gcm", current.key, nonce);
      cipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.concat([header, ciphertext, cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed);
      const key = bytes[0] === FORMAT && keys.find(({ id }) => id.equals(keyIdOf(bytes)));
      if (!key || bytes.length < HEADER_BYTES + TAG_BYTES) throw new UnopenableSecretError(context);
      const header = bytes.subarray(0, HEADER_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key.key, header.subarray(-NONCE_BYTES));
      decipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
      } catch {
        throw new UnopenableSecretError(context);
      }
    },
    isCurrent: (sealed) => keyIdOf(Buffer.from(sealed)).equals(current.id),
    mac(text, context) {
      const mac = createHmac("sha256", current.macKey)
        .update(JSON.stringify([context, text]))
        .digest("hex");
      return `${current.id.toString("hex")}:${mac}`;
    },
  };
}

function keyIdOf(sealed: Buffer): Buffer {
  return sealed.subarray(1, 1 + KEY_ID_BYTES);
}

/** RFC 5869; the id tells keys apart and nothing of them. */
function deriveKey(secret: string): { key: Buffer; macKey: KeyObject; id: Buffer } {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "holdfast/secret-box/1", 32));
  // A key object is prepared once; from bytes that takes longer than the digest.
  const macKey = createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", "holdfast/mac/1", 32)));
  const id = createHash("sha256").update("key id").update(key).digest().subarray(0, KEY_ID_BYTES);
  return { key, macKey, id };
}
