import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { until } from "#test/support/until.ts";

const BODY_BYTES_MAX = 1_048_576;

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key } = await createTenantKey(api));
});
afterAll(() => api.stop());

const submitRaw = (raw: string) => call(api.apiUrl, "POST", "/v1/hashes", { key, raw });

/** A submission whose metadata is this JSON text. */
const withMetadata = (json: string) => `{"hash":"${randomHash()}","metadata":${json}}`;
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("every JSON body", () => {
  test.each<[string, string, string]>([
    ["a member twice", `{"hash":"${randomHash()}","hash":"${randomHash()}"}`, "hash"],
    ["a nested member twice", withMetadata('{"a":{"b":1,"b":1}}'), "metadata.a.b"],
    ["a member twice, once escaped", withMetadata('{"name":1,"n\\u0061me":2}'), "metadata.name"],
    ["a member twice in a list", withMetadata('{"list":[{},{"x":1,"x":2}]}'), "metadata.list[1].x"],
    ["an unknown member twice", `{"hash":"${randomHash()}","more":1,"more":1}`, "more"],
    ["__proto__ twice", withMetadata('{"__proto__":1,"__proto__":2}'), "metadata.__proto__"],
    ["an escaped lone surrogate", withMetadata('{"text":"\\ud800"}'), "metadata.text"],
    ["a lone low surrogate", withMetadata('{"text":"\\udc00\\ud800"}'), "metadata.text"],
    ["a lone surrogate in a member's name", withMetadata('{"\\ud800":1}'), "metadata"],
    ["an integer beyond 2^53", withMetadata('{"n":9007199254740993}'), "metadata.n"],
    ["a negative integer beyond 2^53", withMetadata('{"n":[1,-9007199254740993]}'), "metadata.n[1]"],
    ["an integer beyond every double", withMetadata('{"n":1e400}'), "metadata.n"],
    ["nesting beyond 32", withMetadata(`{"deep":${nested(40)}}`), "metadata.deep[0]"],
  ])("with %s is a 400 that names the member", async (_name, raw, member) => {
    const answer = await submitRaw(raw);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(member);
  });

  test("32 levels, the largest exact integer and paired surrogates are taken", async () => {
    // The body is the first level, metadata the second, its member's list the third.
    const taken = `{"deep":${nested(30)},"n":[9007199254740991,-9007199254740991],"text":"\\ud83d\\ude00"}`;
    expect((await submitRaw(withMetadata(taken))).status).toBe(202);
    expect((await submitRaw(withMetadata(`{"deep":${nested(31)}}`))).status).toBe(400);
  });

  test.each([
    "",
    " ",
    "{",
    '{"hash":}',
    "{'hash':1}",
    "undefined",
    `{"hash":"${randomHash()}"}x`,
    '{"hash":"a\nb"}',
  ])("that is no JSON is a 400: %j", async (raw) => {
    const answer = await submitRaw(raw);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringMatching(/JSON/) } });
  });

  test.each(["null", "[]", '"text"', "7", "true", `["${randomHash()}"]`])(
    "that is no object is a 400: %s",
    async (raw) => {
      expect((await submitRaw(raw)).status).toBe(400);
      expect((await call(api.apiUrl, "POST", "/v1/hashes/batch", { key, raw })).status).toBe(400);
      expect((await call(api.apiUrl, "POST", "/admin/tenants", { key: api.adminKey, raw })).status).toBe(400);
    },
  );

  test("in invalid UTF-8 is a 400, also where the bytes stand in a member that nobody reads", async () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      const answer = await send([
        Buffer.from(`{"hash":"${randomHash()}","more":"`),
        Buffer.from(bytes),
        Buffer.from('"}'),
      ]);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).error).toMatch(/UTF-8/);
    }
  });

  test("may split a character between two chunks", async () => {
    const text = `{"hash":"${randomHash()}","externalId":"é"}`;
    const bytes = Buffer.from(text);
    const middle = bytes.indexOf(0xc3) + 1;
    const answer = await send([bytes.subarray(0, middle), bytes.subarray(middle)], { chunked: true });
    expect(answer.status).toBe(202);
    expect(JSON.parse(answer.text).externalId).toBe("é");
  });
});

describe("a body over 1,048,576 bytes is a 413", () => {
  /** A valid submission of exactly so many bytes. */
  function bodyOf(bytes: number): Buffer {
    const empty = `{"hash":"${randomHash()}","more":""}`;
    return Buffer.from(empty.replace('""}', `"${"x".repeat(bytes - empty.length)}"}`));
  }

  test.each([{ chunked: false }, { chunked: true }])("and not one of exactly so many: %j", async (how) => {
    const exact = await send([bodyOf(BODY_BYTES_MAX)], how);
    expect(exact.status).toBe(202);
    const over = await send([bodyOf(BODY_BYTES_MAX + 1)], how);
    expect(over.status).toBe(413);
    expect(JSON.parse(over.text)).toEqual({ error: expect.stringContaining("1048576") });
  });

  test.each([{ chunked: false }, { chunked: true }])(
    "and the client reads that answer although it goes on sending: %j",
    async (how) => {
      const chunks = Array.from({ length: 320 }, () => Buffer.alloc(65_536, "x"));
      for (let round = 0; round < 3; round++) expect((await send(chunks, how)).status).toBe(413);
    },
  );

  test("and so does one who is refused before the body is looked at", async () => {
    const chunks = Array.from({ length: 320 }, () => Buffer.alloc(65_536, "x"));
    for (const chunked of [false, true])
      expect((await send(chunks, { chunked, as: `ha_${"0".repeat(64)}` })).status).toBe(401);
  });

  test("and is judged by what came, whatever its members would have said", async () => {
    const hashes = Array.from({ length: 100 }, () => ({
      hash: randomHash(),
      externalId: "x".repeat(11_000),
    }));
    const answer = await call(api.apiUrl, "POST", "/v1/hashes/batch", { key, body: { hashes } });
    expect(answer.status).toBe(413);
  });

  test("and the API goes on serving", async () => {
    expect((await submitRaw(`{"hash":"${randomHash()}"}`)).status).toBe(202);
  });
});

test.each([{ "content-length": "1000" }, { "transfer-encoding": "chunked" }])(
  "a client that goes away in the middle of its body is no failure of ours: %j",
  async (headers) => {
    const own = await api.startApi();
    const { key: ownKey, keyId } = await createTenantKey(api);
    const { hostname, port } = new URL(own.url);
    const outgoing = request({
      hostname,
      port,
      method: "POST",
      path: "/v1/hashes",
      headers: { "x-api-key": ownKey, ...headers },
    });
    const gone = new Promise((resolve) => outgoing.on("close", resolve));
    outgoing.on("error", () => {});
    outgoing.write('{"hash":');
    // Counted means let in: what follows is reading the body.
    await until(async () => {
      const counted = await api.db.pool.query("SELECT 1 FROM app.rate_limit_windows WHERE subject = $1", [
        `key:${keyId}`,
      ]);
      return counted.rowCount === 1;
    });
    outgoing.destroy();
    await gone;
    const line = await own.process.waitForLine(/"path":"\/v1\/hashes","status":(\d+)/);
    expect(line[1]).toBe("400");
    await own.process.stop();
  },
);

/** A submission in the given pieces, with Content-Length or chunked; answered as soon as the server has answered. */
function send(
  pieces: Buffer[],
  { chunked = false, as = key } = {},
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(api.apiUrl);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      hostname,
      port,
      method: "POST",
      path: "/v1/hashes",
      headers: {
        "x-api-key": as,
        "content-type": "application/json",
        ...(chunked ? { "transfer-encoding": "chunked" } : { "content-length": length }),
      },
    });
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        outgoing.destroy();
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on("error", reject);
    for (const piece of pieces) outgoing.write(piece);
    outgoing.end();
  });
}
