import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64UrlToBytes, hexToBytes } from "./bytes.ts";
import { isSignatureOf, keyIdOf } from "./receiptSignature.ts";

// RFC 8032 §7.1: TEST 1, 2, 3 and SHA(abc).
const RFC_8032 = [
  {
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message:
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature:
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

test.each(RFC_8032)(
  "protocol §6: RFC 8032's vector for $message verifies",
  ({ publicKey, message, signature }) => {
    expect(isSignatureOf(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
    expect(isSignatureOf(fromHex(publicKey), fromHex(`${message}00`), fromHex(signature))).toBe(false);
  },
);

type WycheproofFile = {
  testGroups: {
    publicKey: { pk: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: "valid" | "invalid" }[];
  }[];
};
const wycheproof = JSON.parse(
  readFileSync(new URL("../../test/vectors/wycheproof-ed25519.json", import.meta.url), "utf8"),
) as WycheproofFile;
const cases = wycheproof.testGroups.flatMap(({ publicKey, tests }) =>
  tests.map((one) => ({ pk: publicKey.pk, ...one })),
);

describe("protocol §6: Wycheproof's Ed25519 vectors", () => {
  test("are all there", () => expect(cases.length).toBeGreaterThanOrEqual(150));
  test.each(cases)("$tcId $comment: $result", ({ pk, msg, sig, result }) => {
    expect(isSignatureOf(fromHex(pk), fromHex(msg), fromHex(sig))).toBe(result === "valid");
  });
});

test("protocol §6: what node:crypto signs verifies, and one changed bit does not", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = base64UrlToBytes(publicKey.export({ format: "jwk" }).x!);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (message, bit) => {
      const signature = new Uint8Array(sign(null, message, privateKey));
      expect(isSignatureOf(raw, message, signature)).toBe(true);
      const changed = message.slice();
      changed[bit % message.length]! ^= 1;
      expect(isSignatureOf(raw, changed, signature)).toBe(false);
      signature[bit % 64]! ^= 1;
      expect(isSignatureOf(raw, message, signature)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

// The eight points of small order, in their canonical encodings: for each, some signature fits every message.
const SMALL_ORDER_KEYS = [
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

test.each(SMALL_ORDER_KEYS)("protocol §6: the small-order key %s signs nothing", (publicKey) => {
  const neutral = fromHex(`01${"00".repeat(63)}`);
  for (let byte = 0; byte < 32; byte++) {
    expect(isSignatureOf(fromHex(publicKey), Uint8Array.of(byte), neutral)).toBe(false);
  }
});

test("malformed keys and signatures answer false", () => {
  const { publicKey, signature } = RFC_8032[0]!;
  expect(isSignatureOf(fromHex(publicKey).slice(1), new Uint8Array(), fromHex(signature))).toBe(false);
  expect(isSignatureOf(fromHex(publicKey), new Uint8Array(), fromHex(signature).slice(1))).toBe(false);
});

test("protocol §6: kid is the RFC 7638 thumbprint, by the vector of RFC 8037 appendix A.3", () => {
  const publicKey = base64UrlToBytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  expect(keyIdOf(publicKey)).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

function fromHex(digits: string): Uint8Array {
  return hexToBytes(`0x${digits}`);
}
