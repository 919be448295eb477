import { describe, expect, test } from "vitest";
import { canonicalAddress, maskAddress } from "./ipAddress.ts";

describe("protocol §7: of an IP address only a mask is kept", () => {
  test.each([
    ["203.0.113.77", "203.0.113.0"],
    ["0.0.0.0", "0.0.0.0"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1::"],
    ["2001:DB8:0:2:3:4:5:6", "2001:db8::"],
    ["2001:db8::1", "2001:db8::"],
    ["::1", "::"],
    ["::", "::"],
    ["1::2:3:4:5:6:7", "1:0:2::"],
    ["fe80:1:2:3::1%eth0", "fe80:1:2::"],
    ["::ffff:203.0.113.77", "203.0.113.0"],
    ["::FFFF:203.0.113.77", "203.0.113.0"],
    ["1:0:0:2::", "1::"],
    ["0:0:1:2:3:4:5:6", "0:0:1::"],
  ])("%s is kept as %s", (address, mask) => {
    expect(maskAddress(address)).toBe(mask);
  });

  test("spellings of one address are one address", () => {
    expect(canonicalAddress("2001:0DB8:0000::0001")).toBe(canonicalAddress("2001:db8::1"));
    for (const mapped of [
      "::ffff:1.2.3.4",
      "::FFFF:0102:0304",
      "::ffff:102:304",
      "0:0:0:0:0:ffff:1.2.3.4",
      "0::ffff:1.2.3.4%eth0",
    ])
      expect(canonicalAddress(mapped), mapped).toBe("1.2.3.4");
    expect(canonicalAddress("::ffff:0:0")).toBe("0.0.0.0");
    expect(canonicalAddress("::fffe:1.2.3.4")).toBe("::fffe:102:304");
  });

  test.each(["", "1.2.3", "1.2.3.256", "01.2.3.4", "host", ":::", "1.2.3.4 ", "1.2.3.4%x"])(
    "%j is none",
    (text) => {
      expect(canonicalAddress(text)).toBeNull();
      expect(() => maskAddress(text)).toThrow("Not an IP address");
    },
  );
});
