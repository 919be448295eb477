import fc from "fast-check";
import { expect, test } from "vitest";
import { createSecretBox, UnopenableSecretError } from "./secretBox.ts";

const OLD = "an older secret of thirty-two characters";
const NEW = "a newer secret of thirty-two characters!";

test("HA-17 what is sealed opens again, and no two sealings are alike", () => {
  const box = createSecretBox([NEW]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (plaintext, context) => {
      const sealed = box.seal(plaintext, context);
      expect(box.open(sealed, context)).toEqual(Buffer.from(plaintext));
      expect(box.seal(plaintext, context).equals(sealed)).toBe(false);
      if (plaintext.length > 3) expect(sealed.includes(Buffer.from(plaintext))).toBe(false);
    }),
  );
});

test("HA-17 a changed byte, a cut, another context or another secret opens nothing", () => {
  const box = createSecretBox([NEW]);
  const sealed = box.seal(Buffer.from("0x59c6995e"), "chain:137");
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i]! ^= 1;
    expect(() => box.open(changed, "chain:137")).toThrow(UnopenableSecretError);
    expect(() => box.open(sealed.subarray(0, i), "chain:137")).toThrow(UnopenableSecretError);
  }
  expect(() => box.open(sealed, "chain:1")).toThrow(UnopenableSecretError);
  expect(() => createSecretBox([OLD]).open(sealed, "chain:137")).toThrow(UnopenableSecretError);
});

test("HA-17 after a rotation the old secret still opens, and the new one seals", () => {
  const sealed = createSecretBox([OLD]).seal(Buffer.from("key"), "chain:1");
  const rotated = createSecretBox([NEW, OLD]);
  expect(rotated.open(sealed, "chain:1").toString()).toBe("key");
  expect(rotated.isCurrent(sealed)).toBe(false);
  const again = rotated.seal(rotated.open(sealed, "chain:1"), "chain:1");
  expect(rotated.isCurrent(again)).toBe(true);
  expect(createSecretBox([NEW]).open(again, "chain:1").toString()).toBe("key");
});
