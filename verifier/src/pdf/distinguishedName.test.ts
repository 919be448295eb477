import {
  Set as AsnSet,
  BmpString,
  ObjectIdentifier,
  OctetString,
  PrintableString,
  Sequence,
  Utf8String,
} from "asn1js";
import { expect, test } from "vitest";
import { firstDer } from "./der.ts";
import { distinguishedNameOf } from "./distinguishedName.ts";

type Part = readonly [type: string, value: Utf8String | PrintableString | BmpString | OctetString];
const utf8 = (value: string) => new Utf8String({ value });

/** A Name of relative names, each of one or more parts, the broadest first. */
function nameOf(...relatives: (readonly Part[])[]): string {
  const value = relatives.map(
    (parts) =>
      new AsnSet({
        value: parts.map(
          ([type, value]) => new Sequence({ value: [new ObjectIdentifier({ value: type }), value] }),
        ),
      }),
  );
  return distinguishedNameOf(firstDer(new Uint8Array(new Sequence({ value }).toBER())));
}
const [cn, ou, dc] = ["2.5.4.3", "2.5.4.11", "0.9.2342.19200300.100.1.25"] as const;
const exampleNet = [[[dc, utf8("net")]], [[dc, utf8("example")]]] as const;

test("names are written as in the examples of RFC 4514 §4", () => {
  expect(nameOf(...exampleNet, [["0.9.2342.19200300.100.1.1", utf8("jsmith")]])).toBe(
    "UID=jsmith,DC=example,DC=net",
  );
  expect(
    nameOf(...exampleNet, [
      [ou, utf8("Sales")],
      [cn, utf8("J.  Smith")],
    ]),
  ).toBe("OU=Sales+CN=J.  Smith,DC=example,DC=net");
  expect(nameOf(...exampleNet, [[cn, utf8('James "Jim" Smith, III')]])).toBe(
    'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
  );
  expect(nameOf(...exampleNet, [[cn, utf8("Before\rAfter")]])).toBe("CN=Before\\0dAfter,DC=example,DC=net");
  const octets = new OctetString({ valueHex: Uint8Array.of(0x48, 0x69).buffer });
  expect(nameOf([["1.3.6.1.4.1.1466.0", octets]])).toBe("1.3.6.1.4.1.1466.0=#04024869");
});

test("every encoding of text is read, and what cannot be seen is escaped", () => {
  expect(nameOf([[cn, new BmpString({ value: "Lučić" })]])).toBe("CN=Lučić");
  expect(nameOf([[cn, new PrintableString({ value: " Holdfast " })]])).toBe("CN=\\ Holdfast\\ ");
  expect(nameOf([[cn, utf8("a\u202eb")]])).toBe("CN=a\\e2\\80\\aeb");
  expect(nameOf([[cn, utf8("#1")]])).toBe("CN=\\#1");
});
