import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClientAddress, networkOf } from "./clientAddress.ts";

const PROXY = "10.0.0.1";
const addressOf = createClientAddress([PROXY, "192.168.0.0/16", "::1", "fd00::/8"]);

describe("X-Forwarded-For and X-Real-IP count only from trusted proxies", () => {
  test.each<[string, [string | undefined, string | undefined, string | undefined], string]>([
    ["a peer without headers", ["203.0.113.5", undefined, undefined], "203.0.113.5"],
    ["a stranger who claims an address", ["203.0.113.5", "1.2.3.4", "1.2.3.4"], "203.0.113.5"],
    ["a proxy that names its peer", [PROXY, "203.0.113.5", undefined], "203.0.113.5"],
    ["a claim before what the proxy appended", [PROXY, "1.2.3.4, 203.0.113.5", undefined], "203.0.113.5"],
    ["two proxies, one of a subnet", [PROXY, "203.0.113.5, 192.168.7.7", undefined], "203.0.113.5"],
    ["proxies alone", [PROXY, "192.168.7.7", undefined], PROXY],
    ["X-Real-IP of a proxy", [PROXY, undefined, "203.0.113.5"], "203.0.113.5"],
    ["X-Forwarded-For before X-Real-IP", [PROXY, "203.0.113.5", "203.0.113.6"], "203.0.113.5"],
    ["a hop that is no address", [PROXY, "203.0.113.5, nonsense", undefined], PROXY],
    ["an X-Real-IP that is no address", [PROXY, undefined, "nonsense"], PROXY],
    ["no headers from a proxy", [PROXY, undefined, undefined], PROXY],
    ["empty headers from a proxy", [PROXY, "", ""], PROXY],
    ["IPv4 mapped into IPv6", [`::ffff:${PROXY}`, "::ffff:203.0.113.5", undefined], "203.0.113.5"],
    ["IPv6 all through", ["::1", "2001:db8::5, fd12::1", undefined], "2001:db8::5"],
    ["a hop with its port", [PROXY, "203.0.113.5:5678", undefined], "203.0.113.5"],
    ["an IPv6 hop with its port", [PROXY, "[2001:db8::5]:80", undefined], "2001:db8::5"],
    ["an IPv6 hop in brackets", [PROXY, "[2001:db8::5]", undefined], "2001:db8::5"],
    ["a mapped hop with its port", [PROXY, "[::ffff:203.0.113.5]:80", undefined], "203.0.113.5"],
    [
      "trusted hops with ports",
      [PROXY, "203.0.113.5:1, 192.168.7.7:2, [fd12::1]:3", undefined],
      "203.0.113.5",
    ],
    ["an X-Real-IP with its port", [PROXY, undefined, "203.0.113.5:5678"], "203.0.113.5"],
    ["a port that is none", [PROXY, "203.0.113.5:x", undefined], PROXY],
    ["brackets around no address", [PROXY, "[nonsense]:80", undefined], PROXY],
    ["a link-local peer with its zone", ["fe80::1%eth0", "1.2.3.4", undefined], "fe80::1%eth0"],
    ["a socket that is gone", [undefined, "1.2.3.4", undefined], "unknown"],
  ])("%s", (_name, [peer, forwardedFor, realIp], expected) => {
    expect(addressOf(peer, forwardedFor, realIp)).toBe(expected);
  });

  test("whatever a client claims, a trusted proxy's own entry decides", () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (claimed, client) => {
        fc.pre(!client.startsWith("192.168.") && client !== PROXY);
        expect(addressOf(PROXY, `${claimed}, ${client}`, claimed)).toBe(client);
        expect(addressOf("203.0.113.9", claimed, claimed)).toBe("203.0.113.9");
      }),
    );
  });

  test("without trusted proxies nothing counts", () => {
    expect(createClientAddress([])("127.0.0.1", "1.2.3.4", "1.2.3.4")).toBe("127.0.0.1");
  });
});

test("IPv6 addresses of one /64 count together, by whichever spelling, and everything else by itself", () => {
  const network = "2001:db8:1:2::/64";
  for (const same of ["2001:db8:1:2:3:4:5:6", "2001:0DB8:0001:0002::1", "2001:db8:1:2:3::"])
    expect(networkOf(same)).toBe(network);
  expect(networkOf("2001:db8:1:3::1")).toBe("2001:db8:1:3::/64");
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(networkOf("::1")).toBe("0:0:0:0::/64");
  expect(networkOf("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
  for (const alone of ["203.0.113.5", "unknown"]) expect(networkOf(alone)).toBe(alone);
});
