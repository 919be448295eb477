import { expect, test } from "vitest";
import { createCheckTarget } from "./checkTarget.ts";
import type { ResolveName } from "./resolveTarget.ts";

const check = (resolveName: ResolveName, url = "https://hooks.example/") =>
  createCheckTarget({ resolveName, allowLoopback: false })(url);

test.each([["10.0.0.1"], ["127.0.0.1"], ["93.184.215.14", "::1"], ["169.254.169.254"], ["::ffff:a00:1"]])(
  "HA-10 a name that leads to %s is refused when it is given",
  async (...addresses) => {
    await expect(check(async () => addresses)).rejects.toMatchObject({
      status: 400,
      message: "Invalid request body, url: must lead to public addresses alone",
      details: { member: "url" },
    });
  },
);

test("HA-10 a name that leads to public addresses, to none, or whose servers fail, may be given", async () => {
  await check(async () => ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]);
  await check(async () => []);
  await check(async () => {
    throw Object.assign(new Error(), { code: "ESERVFAIL" });
  });
});

test("HA-10 an address is refused without asking anybody", async () => {
  const nobody: ResolveName = async () => {
    throw new Error("asked");
  };
  await expect(check(nobody, "https://192.168.0.1/")).rejects.toMatchObject({ status: 400 });
});
