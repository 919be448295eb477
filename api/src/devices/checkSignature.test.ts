import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Point, utils } from "@noble/ed25519";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hexToBytes } from "#protocol/bytes.ts";
import { type DeviceAlgorithm, deviceSignatureProblem } from "#protocol/deviceSignature.ts";
import { createDeviceSigner } from "#test/support/deviceSigner.ts";
import { checkSignature } from "./checkSignature.ts";

const fromHex = (digits: string) => hexToBytes(`0x${digits}`);

type Key = { algorithm: DeviceAlgorithm; publicKey: Uint8Array };
async function expectSame(key: Key, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const expected = deviceSignatureProblem(key, message, signature);
  expect(await checkSignature(key, message, signature)).toBe(expected);
  return expected === null;
}

test("HA-19 for all of Wycheproof's Ed25519 vectors OpenSSL's short cut changes nothing", async () => {
  const file = new URL("../../../test/vectors/wycheproof-ed25519.json", import.meta.url);
  const { testGroups } = JSON.parse(readFileSync(file, "utf8")) as {
    testGroups: { publicKey: { pk: string }; tests: { msg: string; sig: string; result: string }[] }[];
  };
  let checked = 0;
  for (const { publicKey, tests } of testGroups)
    for (const { msg, sig, result } of tests) {
      const key = { algorithm: "ed25519", publicKey: fromHex(publicKey.pk) } as const;
      expect(await expectSame(key, fromHex(msg), fromHex(sig))).toBe(result === "valid");
      checked++;
    }
  expect(checked).toBeGreaterThanOrEqual(150);
});

test("HA-19 nor for signatures with any bit changed", async () => {
  const signer = createDeviceSigner("ed25519");
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.option(fc.nat({ max: 511 })),
      async (contentHash, bit) => {
        const signature = signer.sign(contentHash);
        if (bit !== null) signature[bit >> 3]! ^= 1 << (bit & 7);
        expect(await expectSame(signer, contentHash, signature)).toBe(bit === null);
      },
    ),
    { numRuns: 60 },
  );
});

// Only who holds the key can make it: R with a point of small order added. RFC 8032's equation with the cofactor holds for it,
// OpenSSL's without does not.
test("HA-19 nor for the signature on which verifiers with and without the cofactor differ", async () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const littleEndian = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  const toBytes = (value: bigint) =>
    Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
  const a = littleEndian(utils.randomSecretKey()) % L;
  const publicKey = Point.BASE.multiply(a).toBytes();
  const contentHash = new Uint8Array(32).fill(7);
  const smallOrder = Point.fromBytes(
    fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
  );
  const signatureWith = (addend: Point) => {
    const r = littleEndian(utils.randomSecretKey()) % L;
    const R = Point.BASE.multiply(r).add(addend).toBytes();
    const k = littleEndian(createHash("sha512").update(R).update(publicKey).update(contentHash).digest()) % L;
    return Buffer.concat([R, toBytes((r + k * a) % L)]);
  };
  const key = { algorithm: "ed25519", publicKey } as const;
  expect(await expectSame(key, contentHash, signatureWith(Point.ZERO))).toBe(true);
  expect(await expectSame(key, contentHash, signatureWith(smallOrder))).toBe(true);
});
