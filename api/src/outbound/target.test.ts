import fc from "fast-check";
import { expect, test } from "vitest";
import { kindOfAddress } from "./publicAddress.ts";
import { parseTarget } from "./target.ts";

const REFUSED = {
  loopback: ["127.0.0.1", "127.255.255.254", "localhost", "LOCALHOST", "a.localhost", "localhost.", "[::1]"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "printer.local", "db.internal"],
  "link-local and metadata": ["169.254.169.254", "169.254.0.1", "[fe80::1]", "metadata.google.internal"],
  "carrier-grade NAT": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
  "multicast and broadcast": ["224.0.0.1", "239.255.255.255", "[ff02::1]", "255.255.255.255"],
  unspecified: ["0.0.0.0", "0.1.2.3", "[::]"],
  "reserved and documentation": ["192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.1", "240.0.0.1"],
  "services of cloud hosts": ["168.63.129.16", "[fd00:ec2::254]"],
  "unique-local and site-local": ["[fc00::1]", "[fdff::1]", "[fec0::1]"],
  "IPv4 within IPv6": [
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:8.8.8.8]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
  ],
  "IPv6 that nobody has": ["[100::1]", "[2001:db8::1]", "[3fff::1]", "[4000::1]", "[5f00::1]"],
  "numeric spellings": [
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "0",
    "１２７.0.0.1",
  ],
  "a trailing dot": ["127.0.0.1.", "2130706433.", "10.0.0.1.", "db.internal."],
  "names without a dot": ["intranet", "redis", "kubernetes."],
};

test.each(Object.entries(REFUSED))("HA-10 a webhook may not point at: %s", (_what, hosts) => {
  for (const host of hosts) {
    for (const url of [`https://${host}/hook`, `https://${host}:8443/hook`, `http://${host}/hook`])
      expect(parseTarget(url, false).ok, url).toBe(false);
  }
});

test("HA-10 a webhook may point at public names and addresses, by HTTPS alone", () => {
  const hosts = [
    "example.com",
    "example.com.",
    "bücher.example",
    "8.8.8.8",
    "[2606:4700::1]",
    "a.b.c.example:444",
  ];
  for (const host of hosts) {
    expect(parseTarget(`https://${host}/hook?a=b`, false).ok, host).toBe(true);
    expect(parseTarget(`http://${host}/hook`, false).ok, host).toBe(false);
  }
});

test.each([
  "https://user@example.com/",
  "https://user:password@example.com/",
  "https://:password@example.com/",
  "https://example.com\\@127.0.0.1:x/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "//example.com/",
  "example.com",
  "",
  "https://",
  "https://example.com/\n",
  "https://exam\tple.com/",
  " https://example.com/",
  `https://example.com/${"a".repeat(2_048)}`,
])("HA-10 is not the URL of a webhook: %j", (url) => {
  expect(parseTarget(url, false).ok).toBe(false);
});

test("HA-10 WEBHOOK_ALLOW_LOOPBACK lets loopback through, by http too, and nothing else", () => {
  for (const host of [...REFUSED.loopback, "127.1", "[::1]:8080"])
    for (const scheme of ["http", "https"])
      expect(parseTarget(`${scheme}://${host}/hook`, true).ok, host).toBe(true);
  const { loopback: _, "numeric spellings": __, "a trailing dot": ___, ...others } = REFUSED;
  for (const host of [...Object.values(others).flat(), "10.0.0.1."])
    for (const scheme of ["http", "https"])
      expect(parseTarget(`${scheme}://${host}/hook`, true).ok, host).toBe(false);
  expect(parseTarget("http://example.com/hook", true).ok).toBe(false);
  expect(parseTarget("http://u@localhost/hook", true).ok).toBe(false);
  expect(parseTarget("ftp://localhost/hook", true).ok).toBe(false);
});

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet);

test("HA-10 no IPv6 form of an IPv4 address is public, whatever the address", () => {
  fc.assert(
    fc.property(ipv4, ([a, b, c, d]) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const hex = [(a << 8) | b, (c << 8) | d].map((word) => word.toString(16));
      const forms = [
        `::ffff:${dotted}`,
        `::${dotted}`,
        `64:ff9b::${dotted}`,
        `64:ff9b:1::${dotted}`,
        `2002:${hex[0]}:${hex[1]}::1`,
      ];
      return forms.every((form) => kindOfAddress(form) !== "public");
    }),
  );
});

test("HA-10 an address is judged alike in whatever base it is written", () => {
  fc.assert(
    fc.property(ipv4, ([a, b, c, d]) => {
      const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      const spellings = [
        `${a}.${b}.${c}.${d}`,
        `${a}.${b}.${c}.${d}.`,
        String(number),
        `0x${number.toString(16)}`,
        `0${number.toString(8)}`,
        `${a}.${number & 0xffffff}`,
        `0x${a.toString(16)}.${b}.${(c << 8) | d}`,
      ];
      const isPublic = kindOfAddress(spellings[0]!) === "public";
      return spellings.every((spelling) => parseTarget(`https://${spelling}/`, false).ok === isPublic);
    }),
  );
});
