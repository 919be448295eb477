import { describe, expect, test } from "vitest";
import { InvalidSettingsError, loadConfig, SETTINGS } from "./config.ts";

type Name = keyof typeof SETTINGS;

const DATABASE_URL = "postgres://user:secret@127.0.0.1/holdfast";

/** Per setting a good value, what it becomes, and bad values with text that must not turn up in an answer. */
const CASES: Record<Name, { good: string; becomes: unknown; bad: string[] }> = {
  DATABASE_URL: {
    good: DATABASE_URL,
    becomes: DATABASE_URL,
    bad: ["mysql://u:hunter2@db/x", "hunter2", "postgres//hunter2"],
  },
  REDIS_URL: {
    good: "rediss://:pw@r:6379",
    becomes: "rediss://:pw@r:6379",
    bad: ["http://hunter2@r", "hunter2"],
  },
  HOST: { good: "0.0.0.0", becomes: "0.0.0.0", bad: [] },
  PORT: { good: "0", becomes: 0, bad: ["65536", "-77", "80.5", "0x77", "hunter2"] },
  PUBLIC_URL: {
    good: "https://anchor.example/",
    becomes: "https://anchor.example",
    bad: [
      "ftp://hunter2.example",
      "hunter2",
      "https://a.example/?hunter2",
      "https://a.example/#hunter2",
      "https://u:hunter2@a.example",
    ],
  },
  TRUSTED_PROXIES: {
    good: " 10.0.0.0/8,, fd00::/8 , ::1",
    becomes: ["10.0.0.0/8", "fd00::/8", "::1"],
    bad: ["hunter2", "10.0.0.0/77", "10.0.0.0/x77", "fd00::/177", "127.0.0.1 hunter2"],
  },
  PUBLIC_RATE_LIMIT: { good: "100000000", becomes: 100_000_000, bad: ["0", "100000077", "hunter2"] },
  CHAIN_KEY_ENCRYPTION_SECRET: {
    good: `${"a".repeat(32)}, ${"b".repeat(40)}`,
    becomes: ["a".repeat(32), "b".repeat(40)],
    bad: ["hunter2", `${"a".repeat(32)},hunter2`],
  },
  AUTH_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "hunter2"] },
  SIGN_UP_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "hunter2"] },
  LOGIN_STRANGERS_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "hunter2"] },
  PLAN_FREE_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "10001", "hunter2"] },
  PLAN_BASIC_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "10001", "hunter2"] },
  PLAN_PRO_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "10001", "hunter2"] },
  METRICS_TOKEN: {
    good: "m".repeat(16),
    becomes: "m".repeat(16),
    bad: ["hunter2", `hunter2${" ".repeat(20)}`, `hunter2${"é".repeat(20)}`],
  },
  METRICS_PORT: { good: "0", becomes: 0, bad: ["65536", "-1", "hunter2"] },
  LOGIN_RATE_LIMIT: { good: "5", becomes: 5, bad: ["0", "hunter2"] },
  PLAN_FREE_HASHES: { good: "0", becomes: 0, bad: ["-1", "many"] },
  PLAN_BASIC_HASHES: { good: "5000", becomes: 5_000, bad: ["-1", "1.5"] },
  PLAN_PRO_HASHES: { good: "9007199254740991", becomes: 9_007_199_254_740_991, bad: ["9007199254740992"] },
  WEBHOOK_ALLOW_LOOPBACK: { good: "1", becomes: true, bad: ["true", "hunter2"] },
  DATABASE_CONNECTIONS_MAX: { good: "5", becomes: 5, bad: ["4", "1077", "hunter2"] },
  LOG_LEVEL: { good: "silent", becomes: "silent", bad: ["hunter2", "INFO77"] },
  CHAIN_ID: { good: "137", becomes: 137, bad: ["0", "9007199254740993", "hunter2"] },
  CHAIN_NAME: { good: "Polygon", becomes: "Polygon", bad: ["hunter2".repeat(15)] },
  CHAIN_RPC_URL: {
    good: "https://rpc.example/v3/key",
    becomes: "https://rpc.example/v3/key",
    bad: ["wss://rpc.example/hunter2", "hunter2"],
  },
  CHAIN_CONTRACT_ADDRESS: {
    good: `0x${"Ab".repeat(20)}`,
    becomes: `0x${"ab".repeat(20)}`,
    bad: [`0x${"77".repeat(21)}`, `0x${"zz".repeat(20)}`, "77".repeat(20)],
  },
  CHAIN_PUBLISHER_PRIVATE_KEY: {
    good: `0x${"01".repeat(32)}`,
    becomes: `0x${"01".repeat(32)}`,
    // Neither zero nor anything from the order of secp256k1 on is a key.
    bad: [
      `0x${"77".repeat(31)}`,
      "77".repeat(32),
      `0x${"0".repeat(64)}`,
      "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    ],
  },
  CHAIN_CONFIRMATIONS: { good: "1", becomes: 1, bad: ["0", "10077", "hunter2"] },
  BALANCE_ANCHORS_MIN: { good: "0", becomes: 0, bad: ["-1", "hunter2"] },
  RECEIPT_SIGNING_KEY_FILE: { good: "key.pem", becomes: "key.pem", bad: [] },
  SEAL_INTERVAL_MS: { good: "10", becomes: 10, bad: ["9", "86400077", "hunter2"] },
  BATCH_LEAVES_MAX: { good: "1000000", becomes: 1_000_000, bad: ["0", "1000077", "hunter2"] },
  PIPELINE_POLL_MS: { good: "60000", becomes: 60_000, bad: ["9", "60077", "hunter2"] },
  RPC_TIMEOUT_MS: { good: "50", becomes: 50, bad: ["49", "120077", "hunter2"] },
  RESEND_AFTER_MS: { good: "10", becomes: 10, bad: ["9", "86400077", "hunter2"] },
  REPLACE_AFTER_MS: { good: "10", becomes: 10, bad: ["9", "86400077", "hunter2"] },
  EXPORT_FOLDER: { good: "/var/lib/exports", becomes: "/var/lib/exports", bad: [] },
  EXPORT_TENANT_BYTES_MAX: { good: "1000", becomes: 1_000, bad: ["0", "1GB", "-1"] },
  MEDIA_FOLDER: { good: "/var/lib/media", becomes: "/var/lib/media", bad: [] },
  MEDIA_TENANT_BYTES_MAX: { good: "1000", becomes: 1_000, bad: ["0", "1GB", "-1"] },
  MEDIA_KEPT_DAYS: { good: "1", becomes: 1, bad: ["0", "36577", "hunter2"] },
  MEDIA_S3_URL: {
    good: "https://s3.example/bucket/",
    becomes: "https://s3.example/bucket",
    bad: ["ftp://hunter2", "https://s3.example/?hunter2", "hunter2"],
  },
  MEDIA_S3_REGION: { good: "eu-central-1", becomes: "eu-central-1", bad: [] },
  MEDIA_S3_ACCESS_KEY_ID: { good: "id", becomes: "id", bad: [] },
  MEDIA_S3_SECRET_ACCESS_KEY: { good: "secret", becomes: "secret", bad: [] },
  PDF_SIGNING_KEY_FILE: { good: "key.pem", becomes: "key.pem", bad: [] },
  PDF_SIGNING_CERTIFICATE_FILE: { good: "chain.pem", becomes: "chain.pem", bad: [] },
  WORKER_NAME: { good: "w", becomes: "w", bad: ["hunter2".repeat(15)] },
};

describe.each(Object.entries(CASES))("%s", (name, { good, becomes, bad }) => {
  test("is read", () => {
    expect(loadConfig({ DATABASE_URL, [name]: good })[name as Name]).toEqual(becomes);
  });

  test.each(bad)("is refused by its name and without its value: %s", (value) => {
    const problem = problemOf({ DATABASE_URL, [name]: value });
    expect(problem).toContain(`${name}: `);
    for (const telling of [value, "hunter2", "77"]) {
      if (value.includes(telling)) expect(problem).not.toContain(telling);
    }
  });
});

test("every setting stands in the list with a doc, and a secret one has no default", () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(SETTINGS).sort());
  for (const setting of Object.values(SETTINGS)) {
    expect(setting.doc).toMatch(/\S/);
    expect("secret" in setting && "default" in setting).toBe(false);
  }
});

test("all problems are told at once, and an empty value is none given", () => {
  const problem = problemOf({ DATABASE_URL: "", PORT: "x", CHAIN_ID: "" });
  expect(problem).toContain("DATABASE_URL: is required");
  expect(problem).toContain("PORT: ");
  expect(problem).not.toContain("CHAIN_ID");
  expect(loadConfig({ DATABASE_URL, PORT: "" }).PORT).toBe(8787);
});

test("defaults are valid", () => {
  expect(loadConfig({ DATABASE_URL })).toMatchObject({ PORT: 8787, CHAIN_CONFIRMATIONS: 5 });
});

function problemOf(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidSettingsError);
    return (error as Error).message;
  }
  throw new Error("the settings were taken");
}
