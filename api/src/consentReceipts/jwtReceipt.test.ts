import { generateKeyPairSync } from "node:crypto";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { jwtReceipt } from "./jwtReceipt.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = {
  kid: "0123456789abcdef",
  key: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })),
  signsUntil: new Date("2999-01-01"),
};
const event = {
  id: "2f".repeat(32),
  subject: "foo",
  scope: "default",
  issuer: "https://foo.example",
  target: "https://foo.example/policy",
  action: true,
  token: "F5KLLW",
  createdAt: "2026-11-22T05:00:12.345Z",
};
const input = { event, recordedAs: "grant", publicUrl: "https://foo.example", proof: null } as const;

test("SG-9 signing goes on beside the event loop: it turns while receipts are signed", async () => {
  await jwtReceipt(input, key); // parses the key
  let turns = 0;
  let isDone = false;
  const turn = () => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const receipts = await Promise.all(Array.from({ length: 100 }, () => jwtReceipt(input, key)));
  isDone = true;
  // Signed in the loop itself, all of them would be between two turns.
  expect(turns).toBeGreaterThan(20);
  expect(decodeJwt(receipts[99]!)).toMatchObject({ sub: "foo", jti: "F5KLLW", iat: 1_795_323_612 });
});
