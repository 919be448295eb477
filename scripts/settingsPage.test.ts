import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { settingsPage } from "./settingsPage.ts";

test("docs/settings.md lists every setting as the code has it", () => {
  const file = new URL("../docs/settings.md", import.meta.url);
  expect(readFileSync(file, "utf8")).toBe(settingsPage());
});
