import { expect, test } from "vitest";
import { parseContentHash } from "./contentHash.ts";

const LOWER = `0x${"ab".repeat(32)}`;

test("HA-2: a content hash is taken in any case and answered in lower case", () => {
  expect(parseContentHash(LOWER)).toBe(LOWER);
  expect(parseContentHash(`0x${"Ab".repeat(32)}`)).toBe(LOWER);
});

test.each([
  undefined,
  null,
  1,
  {},
  [LOWER],
  "",
  LOWER.slice(2),
  LOWER.slice(0, -1),
  `${LOWER}0`,
  `${LOWER}\n`,
  ` ${LOWER}`,
  `0X${LOWER.slice(2)}`,
  `0x${"g".repeat(64)}`,
])("HA-2: %j is no content hash", (text) => {
  expect(parseContentHash(text)).toBeNull();
});
