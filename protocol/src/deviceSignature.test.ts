import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Point } from "@noble/ed25519";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDeviceSigner } from "#test/support/deviceSigner.ts";
import { hexToBytes } from "./bytes.ts";
import { DEVICE_ALGORITHMS, deviceSignatureProblem, toDeviceKey } from "./deviceSignature.ts";

const fromHex = (digits: string) => hexToBytes(`0x${digits}`);
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const HALF_ORDER = secp256k1.Point.CURVE().n / 2n;

type Vector = { tcId: number; comment: string; msg: string; sig: string; result: string };
type Group<Key> = { publicKey: Key; tests: Vector[] };
function readVectors<Key>(file: string) {
  const url = new URL(`../../test/vectors/${file}`, import.meta.url);
  const { testGroups } = JSON.parse(readFileSync(url, "utf8")) as { testGroups: Group<Key>[] };
  return testGroups.flatMap(({ publicKey, tests }) => tests.map((one) => ({ ...one, publicKey })));
}

describe("HA-19 Wycheproof's ECDSA vectors over secp256k1, P1363", () => {
  const vectors = readVectors<{ uncompressed: string }>("wycheproof-ecdsa-secp256k1-sha256-p1363.json");
  test("are all there", () => expect(vectors).toHaveLength(252));

  // They sign the SHA-256 of a message, and take a high s as well; a device signs the 32 bytes, with low s.
  test.each(vectors)("$tcId $comment: $result", ({ publicKey: { uncompressed }, msg, sig, result }) => {
    const key = toDeviceKey("secp256k1", fromHex(uncompressed));
    if (!key.ok) throw new Error(key.problem);
    const isLow = sig.length === 128 && BigInt(`0x${sig.slice(64)}`) <= HALF_ORDER;
    const problem = deviceSignatureProblem(
      { algorithm: "secp256k1", publicKey: key.publicKey },
      sha256(fromHex(msg)),
      fromHex(sig),
    );
    expect(problem === null).toBe(result === "valid" && isLow);
    if (result === "valid" && !isLow) expect(problem).toBe("highS");
  });
});

describe("HA-19 Wycheproof's Ed25519 vectors", () => {
  const vectors = readVectors<{ pk: string }>("wycheproof-ed25519.json");
  test.each(vectors)("$tcId $comment: $result", ({ publicKey: { pk }, msg, sig, result }) => {
    const key = toDeviceKey("ed25519", fromHex(pk));
    if (!key.ok) throw new Error(key.problem);
    const device = { algorithm: "ed25519", publicKey: key.publicKey } as const;
    expect(deviceSignatureProblem(device, fromHex(msg), fromHex(sig)) === null).toBe(result === "valid");
  });
});

describe.each(DEVICE_ALGORITHMS)("HA-19 %s", (algorithm) => {
  const newSigner = () => createDeviceSigner(algorithm);
  test("what a device signs stands, and with one bit of hash or signature changed it does not", () => {
    const signer = newSigner();
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat({ max: 255 }),
        fc.nat({ max: 511 }),
        (contentHash, hashBit, signatureBit) => {
          const signature = signer.sign(contentHash);
          expect(deviceSignatureProblem(signer, contentHash, signature)).toBeNull();
          const otherHash = contentHash.slice();
          otherHash[hashBit >> 3]! ^= 1 << (hashBit & 7);
          expect(deviceSignatureProblem(signer, otherHash, signature)).toBe("mismatch");
          signature[signatureBit >> 3]! ^= 1 << (signatureBit & 7);
          expect(deviceSignatureProblem(signer, contentHash, signature)).not.toBeNull();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("another key's signature does not stand, nor one over the hash of the hash", () => {
    const signer = newSigner();
    const contentHash = sha256(Uint8Array.of(1));
    expect(deviceSignatureProblem(newSigner(), contentHash, signer.sign(contentHash))).toBe("mismatch");
    expect(deviceSignatureProblem(signer, contentHash, signer.sign(sha256(contentHash)))).toBe("mismatch");
  });

  test.each([0, 63, 65, 128])("a signature of %d bytes is none", (bytes) => {
    const problem = deviceSignatureProblem(newSigner(), new Uint8Array(32), new Uint8Array(bytes));
    expect(problem).toBe("length");
  });

  test.each([0, 31, 34, 64, 66])("a key of %d bytes is none", (bytes) => {
    expect(toDeviceKey(algorithm, new Uint8Array(bytes))).toEqual({ ok: false, problem: "length" });
  });
});

describe("HA-19 keys of ed25519", () => {
  const P = 2n ** 255n - 19n;
  const littleEndian = (value: bigint) =>
    Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));

  // The eight points of small order in their canonical encodings.
  test.each([
    `01${"00".repeat(31)}`,
    `ec${"ff".repeat(30)}7f`,
    "00".repeat(32),
    `${"00".repeat(31)}80`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ])("%s is of small order", (key) => {
    expect(toDeviceKey("ed25519", fromHex(key))).toEqual({ ok: false, problem: "order" });
  });

  test("a good key with a point of small order added is refused too", () => {
    const smallOrder = Point.fromBytes(
      fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    );
    const mixed = Point.fromBytes(createDeviceSigner("ed25519").publicKey).add(smallOrder).toBytes();
    expect(toDeviceKey("ed25519", mixed)).toEqual({ ok: false, problem: "order" });
  });

  test("an encoding that is not the canonical one is refused: y from p on, and the sign of x where x is 0", () => {
    for (let y = P; y < 2n ** 255n; y++)
      for (const sign of [0, 0x80]) {
        const bytes = littleEndian(y);
        bytes[31]! |= sign;
        expect(toDeviceKey("ed25519", bytes)).toEqual({ ok: false, problem: "encoding" });
      }
    for (const y of [1n, P - 1n]) {
      const bytes = littleEndian(y);
      bytes[31]! |= 0x80;
      expect(toDeviceKey("ed25519", bytes)).toEqual({ ok: false, problem: "encoding" });
    }
  });

  test("a y that is on no point is refused", () => {
    expect(toDeviceKey("ed25519", littleEndian(2n))).toEqual({ ok: false, problem: "encoding" });
  });
});

describe("HA-19 keys of secp256k1", () => {
  test("compressed and uncompressed are the same key, kept compressed", () => {
    const { publicKey } = createDeviceSigner("secp256k1");
    const uncompressed = secp256k1.Point.fromBytes(publicKey).toBytes(false);
    expect(uncompressed).toHaveLength(65);
    for (const bytes of [publicKey, uncompressed])
      expect(toDeviceKey("secp256k1", bytes)).toEqual({ ok: true, publicKey });
  });

  test("hybrid prefixes, coordinates beyond the field and points beside the curve are refused", () => {
    const uncompressed = secp256k1.Point.BASE.toBytes(false);
    const hybrid = uncompressed.slice();
    hybrid[0] = 6 + (hybrid[64]! & 1);
    const beside = uncompressed.slice();
    beside[64]! ^= 1;
    const beyond = fromHex(`02${"ff".repeat(32)}`);
    const unsolvable = fromHex(`02${"00".repeat(31)}05`);
    for (const bytes of [hybrid, beside, beyond, unsolvable, new Uint8Array(33), new Uint8Array(65)])
      expect(toDeviceKey("secp256k1", bytes)).toEqual({ ok: false, problem: "encoding" });
  });

  test("the high twin of a good signature is refused, and r or s out of range", () => {
    const signer = createDeviceSigner("secp256k1");
    const contentHash = sha256(Uint8Array.of(2));
    const signature = signer.sign(contentHash);
    const { r, s } = secp256k1.Signature.fromBytes(signature, "compact");
    const { n } = secp256k1.Point.CURVE();
    const bytesOf = (...numbers: bigint[]) =>
      fromHex(numbers.map((number) => number.toString(16).padStart(64, "0")).join(""));
    expect(deviceSignatureProblem(signer, contentHash, bytesOf(r, s))).toBeNull();
    expect(deviceSignatureProblem(signer, contentHash, bytesOf(r, n - s))).toBe("highS");
    for (const [outR, outS] of [
      [0n, s],
      [r, 0n],
      [n, s],
      [r, n],
    ] as const)
      expect(deviceSignatureProblem(signer, contentHash, bytesOf(outR, outS))).toBe("range");
  });
});
