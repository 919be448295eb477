import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { boundWork } from "./boundedWork.ts";

const derive = promisify(argon2) as (algorithm: "argon2id", parameters: Argon2Parameters) => Promise<Buffer>;

/** OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Each takes 19 MiB and one of libuv's four threads, which read files and look names up as well. */
const DERIVATIONS_AT_ONCE = 2;
/** About a second's work. */
const DERIVATIONS_WAITING_MAX = 40;

/** Hashing and checking passwords within what a process can do at once; 503 beyond. */
export function createPasswords() {
  const bounded = boundWork({ atOnceMax: DERIVATIONS_AT_ONCE, waitingMax: DERIVATIONS_WAITING_MAX });
  return {
    hash: (password: string) => bounded(() => hashPassword(password)),
    isRight: (password: string, phc: string | null) => bounded(() => isPassword(password, phc)),
  };
}
export type Passwords = ReturnType<typeof createPasswords>;

/** argon2id (RFC 9106) in PHC string format, computed off the event loop. */
async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const hash = await argon2id(password, { nonce, memory: MEMORY_KIB, passes: PASSES });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=1$${unpadded(nonce)}$${unpadded(hash)}`;
}

/** Compared in constant time. A password that nobody has costs the same: pass null for an unknown account. */
export async function isPassword(password: string, phc: string | null): Promise<boolean> {
  const [, memory, passes, salt, hash] = PHC.exec(phc ?? "") ?? [];
  if (hash === undefined) {
    await argon2id(password, { nonce: Buffer.alloc(SALT_BYTES), memory: MEMORY_KIB, passes: PASSES });
    return false;
  }
  const given = await argon2id(password, {
    nonce: Buffer.from(salt!, "base64"),
    memory: Number(memory),
    passes: Number(passes),
  });
  return timingSafeEqual(given, Buffer.from(hash, "base64"));
}

function argon2id(password: string, cost: Pick<Argon2Parameters, "nonce" | "memory" | "passes">) {
  return derive("argon2id", {
    message: Buffer.from(password.normalize("NFC")),
    parallelism: 1,
    tagLength: HASH_BYTES,
    ...cost,
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
