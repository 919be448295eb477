import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { siteDomain } from "./siteDomain.ts";

describe("protocol §9 a key's site", () => {
  test.each([
    ["shop.example", "shop.example"],
    ["Shop.EXAMPLE", "shop.example"],
    ["a.b-c.co.uk", "a.b-c.co.uk"],
    ["Bücher.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["localhost", "localhost"],
    [`${"a".repeat(63)}.example`, `${"a".repeat(63)}.example`],
  ])("%s is %s", (text, domain) => {
    expect(siteDomain(text)).toBe(domain);
  });

  test.each([
    "",
    "shop",
    ".",
    "shop.example.",
    ".shop.example",
    "shop..example",
    "-shop.example",
    "shop-.example",
    "shop_1.example",
    "https://shop.example",
    "shop.example/path",
    "shop.example:443",
    "user@shop.example",
    "*.shop.example",
    "ex%61mple.com",
    "192.0.2.1",
    "0x7f.1",
    "1.2.3.4.5",
    "[2001:db8::1]",
    "shop.example\0",
    " shop.example",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(126)}example`,
  ])("%j is none", (text) => {
    expect(siteDomain(text)).toBeNull();
  });

  test("comes out the same when it goes in again, and never in another case", () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.string()), (text) => {
        const domain = siteDomain(text);
        if (domain === null) return;
        expect(siteDomain(domain)).toBe(domain);
        expect(siteDomain(text.toUpperCase())).toBe(domain);
        expect(domain).toMatch(/^[a-z0-9.-]{1,253}$/);
      }),
    );
  });
});
