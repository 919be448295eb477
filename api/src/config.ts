import { isIP } from "node:net";
import { z } from "zod";
import { isPrivateKey } from "./chain/publisherKey.ts";

/** Where a setting's value stands for nothing given: the empty string counts as absent, as shells and container files write it. */
const given = (env: NodeJS.ProcessEnv, name: string) => (env[name] === "" ? undefined : env[name]);

const integer = (min: number, max: number) =>
  z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.number().min(min).max(max));
const url = (protocols: RegExp) => z.url({ protocol: protocols, error: "must be a URL" });
const hexBytes = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`), `must be 0x and ${bytes * 2} hex digits`)
    .transform((text) => text.toLowerCase() as `0x${string}`);

/** An address or a subnet such as 10.0.0.0/8. */
function isAddressOrSubnet(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

type Setting = { doc: string; unit?: string; secret?: true; default?: string; schema: z.ZodType };

/** Every setting of the two processes, in one place: `npm run settings` prints this list. */
export const SETTINGS = {
  DATABASE_URL: {
    doc: "PostgreSQL 15 or newer; the role of the API and the workers",
    schema: url(/^postgres(ql)?$/),
    secret: true,
  },
  REDIS_URL: {
    doc: "Redis that counts requests for the rate limits; PostgreSQL counts when there is none",
    schema: url(/^rediss?$/).optional(),
    secret: true,
  },
  HOST: {
    doc: "Address that the API listens on, and a worker for its metrics",
    default: "127.0.0.1",
    schema: z.string(),
  },
  PORT: {
    doc: "Port that the API listens on; 0 takes a free one",
    default: "8787",
    schema: integer(0, 65_535),
  },
  PUBLIC_URL: {
    doc: "Origin under which clients reach the API; stands in receipts as `@context`",
    default: "http://127.0.0.1:8787",
    schema: url(/^https?$/)
      .regex(/^[^?#@]+$/, "must be without user, query and fragment")
      .transform((text) => text.replace(/\/+$/, "")),
  },
  TRUSTED_PROXIES: {
    doc: "Addresses and subnets whose X-Forwarded-For and X-Real-IP count, comma-separated",
    default: "127.0.0.1,::1",
    schema: z
      .string()
      .transform((text) =>
        text
          .split(",")
          .map((part) => part.trim())
          .filter(Boolean),
      )
      .refine((proxies) => proxies.every(isAddressOrSubnet), "must be IP addresses or subnets"),
  },
  METRICS_TOKEN: {
    doc: "Token that `/metrics` asks for, 16 characters or more; without it anybody who reaches the port may read them",
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{16,1024}$/, "must be 16 characters or more of ASCII, without blanks")
      .optional(),
    secret: true,
  },
  METRICS_PORT: {
    doc: "Port on which a worker serves its own `/metrics`; 0 takes a free one, none by default",
    schema: integer(0, 65_535).optional(),
  },
  PUBLIC_RATE_LIMIT: {
    doc: "Requests per IP address on public routes",
    unit: "per minute",
    default: "600",
    schema: integer(1, 100_000_000),
  },
  AUTH_RATE_LIMIT: {
    doc: "Registrations, provisionings and logins per IP address",
    unit: "per minute",
    default: "30",
    schema: integer(1, 100_000_000),
  },
  SIGN_UP_RATE_LIMIT: {
    doc: "Registrations and provisionings per IP address",
    unit: "per hour",
    default: "60",
    schema: integer(1, 100_000_000),
  },
  LOGIN_RATE_LIMIT: {
    doc: "Logins to one account from one IP address",
    unit: "per minute",
    default: "10",
    schema: integer(1, 100_000_000),
  },
  LOGIN_STRANGERS_RATE_LIMIT: {
    doc: "Logins to one account from all IP addresses together that nobody has lately logged in to it from",
    unit: "per minute",
    default: "60",
    schema: integer(1, 100_000_000),
  },
  PLAN_FREE_HASHES: {
    doc: "Hashes that a tenant of plan free may submit",
    unit: "per month (UTC)",
    default: "100",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
  },
  PLAN_BASIC_HASHES: {
    doc: "Hashes that a tenant of plan basic may submit",
    unit: "per month (UTC)",
    default: "10000",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
  },
  PLAN_PRO_HASHES: {
    doc: "Hashes that a tenant of plan pro may submit",
    unit: "per month (UTC)",
    default: "1000000",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
  },
  PLAN_FREE_RATE_LIMIT: {
    doc: "Highest rate limit that a tenant of plan free may give a key of its own",
    unit: "per minute",
    default: "600",
    schema: integer(1, 10_000),
  },
  PLAN_BASIC_RATE_LIMIT: {
    doc: "Highest rate limit that a tenant of plan basic may give a key of its own",
    unit: "per minute",
    default: "3000",
    schema: integer(1, 10_000),
  },
  PLAN_PRO_RATE_LIMIT: {
    doc: "Highest rate limit that a tenant of plan pro may give a key of its own",
    unit: "per minute",
    default: "10000",
    schema: integer(1, 10_000),
  },
  CHAIN_KEY_ENCRYPTION_SECRET: {
    doc: "Seals private keys and webhook secrets in the database: 32 characters or more; several, comma-separated: the first seals, all open",
    schema: z
      .string()
      .transform((text) => text.split(",").map((part) => part.trim()))
      .refine(
        (secrets) => secrets.every((secret) => secret.length >= 32),
        "must have 32 characters or more each",
      )
      .optional(),
    secret: true,
  },
  WEBHOOK_ALLOW_LOOPBACK: {
    doc: "1 lets webhooks call this machine, by http too; for development",
    default: "0",
    schema: z.enum(["0", "1"], "must be 0 or 1").transform((text) => text === "1"),
  },
  DATABASE_CONNECTIONS_MAX: {
    // The three locked steps of a chain hold a connection each while they ask for another; with fewer they may wait for each other.
    doc: "Connections to PostgreSQL of an API, and of a worker for each of its chains; 5 or more",
    default: "10",
    schema: integer(5, 1_000),
  },
  LOG_LEVEL: {
    doc: "fatal, error, warn, info, debug, trace or silent",
    default: "info",
    schema: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
  },
  CHAIN_ID: {
    doc: "EIP-155 id of a chain to anchor on; workers without CHAIN_* work for chains that are added over HTTP",
    schema: integer(1, Number.MAX_SAFE_INTEGER).optional(),
  },
  CHAIN_NAME: {
    doc: "Name of that chain, for people",
    default: "default",
    schema: z.string().min(1).max(100),
  },
  CHAIN_RPC_URL: { doc: "JSON-RPC endpoint of that chain", schema: url(/^https?$/).optional(), secret: true },
  CHAIN_CONTRACT_ADDRESS: { doc: "AnchorRegistry on that chain", schema: hexBytes(20).optional() },
  CHAIN_PUBLISHER_PRIVATE_KEY: {
    doc: "Key of the publisher, which signs and pays for anchors; workers only",
    schema: hexBytes(32).refine(isPrivateKey, "is not a key of secp256k1").optional(),
    secret: true,
  },
  CHAIN_CONFIRMATIONS: {
    doc: "Blocks, the anchor's own included, before a batch counts as anchored",
    unit: "blocks",
    default: "5",
    schema: integer(1, 10_000),
  },
  BALANCE_ANCHORS_MIN: {
    doc: "The log warns when the publisher cannot pay for this many anchors any more",
    default: "1000",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
  },
  RECEIPT_SIGNING_KEY_FILE: {
    doc: "Ed25519 private key (PKCS #8 PEM) that signs receipts; workers only",
    schema: z.string().optional(),
  },
  SEAL_INTERVAL_MS: {
    doc: "Longest wait of an accepted hash before its batch is sealed",
    unit: "ms",
    default: "10000",
    schema: integer(10, 86_400_000),
  },
  BATCH_LEAVES_MAX: {
    doc: "Leaves at which a batch is sealed at once",
    unit: "leaves",
    default: "10000",
    schema: integer(1, 1_000_000),
  },
  PIPELINE_POLL_MS: {
    doc: "Pause between two looks of a worker at its work",
    unit: "ms",
    default: "500",
    schema: integer(10, 60_000),
  },
  RPC_TIMEOUT_MS: {
    doc: "Wait for one answer of the chain",
    unit: "ms",
    default: "10000",
    schema: integer(50, 120_000),
  },
  RESEND_AFTER_MS: {
    doc: "An unmined transaction is sent again after this time",
    unit: "ms",
    default: "15000",
    schema: integer(10, 86_400_000),
  },
  REPLACE_AFTER_MS: {
    doc: "An unmined transaction is replaced with a higher fee after this time",
    unit: "ms",
    default: "60000",
    schema: integer(10, 86_400_000),
  },
  EXPORT_FOLDER: {
    doc: "Folder of export files: one for the API and all workers, and no other installation's",
    default: ".holdfast/exports",
    schema: z.string().min(1),
  },
  EXPORT_TENANT_BYTES_MAX: {
    doc: "What the export files of one tenant may take together",
    unit: "bytes",
    default: "10737418240",
    schema: integer(1, Number.MAX_SAFE_INTEGER),
  },
  MEDIA_FOLDER: {
    doc: "Folder of the consent gate's media and of uploads under way: one for the API and all workers, and no other installation's",
    default: ".holdfast/media",
    schema: z.string().min(1),
  },
  MEDIA_TENANT_BYTES_MAX: {
    doc: "What the media of one tenant may take together",
    unit: "bytes",
    default: "10737418240",
    schema: integer(1, Number.MAX_SAFE_INTEGER),
  },
  MEDIA_KEPT_DAYS: {
    doc: "How long the bytes of media are kept; their hashes stay",
    unit: "days",
    default: "30",
    schema: integer(1, 36_500),
  },
  MEDIA_S3_URL: {
    doc: "S3-compatible bucket that keeps media in place of MEDIA_FOLDER, such as https://s3.example/bucket; with MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY",
    schema: url(/^https?$/)
      .regex(/^[^?#@]+$/, "must be without user, query and fragment")
      .transform((text) => text.replace(/\/+$/, ""))
      .optional(),
  },
  MEDIA_S3_REGION: { doc: "Region of that bucket", default: "us-east-1", schema: z.string().min(1) },
  MEDIA_S3_ACCESS_KEY_ID: { doc: "Access key of that bucket", schema: z.string().min(1).optional() },
  MEDIA_S3_SECRET_ACCESS_KEY: {
    doc: "Secret of that access key",
    schema: z.string().min(1).optional(),
    secret: true,
  },
  PDF_SIGNING_KEY_FILE: {
    doc: "RSA private key (PKCS #8 PEM) that signs consent proofs (PAdES); they are not signed without one; the API only",
    schema: z.string().min(1).optional(),
  },
  PDF_SIGNING_CERTIFICATE_FILE: {
    doc: "Its certificate, and those that issued it after that, as PEM",
    schema: z.string().min(1).optional(),
  },
  WORKER_NAME: { doc: "Name of a worker in its logs", default: "worker", schema: z.string().min(1).max(100) },
} satisfies Record<string, Setting>;

type Settings = typeof SETTINGS;
export type Config = { readonly [Name in keyof Settings]: z.output<Settings[Name]["schema"]> };

export class InvalidSettingsError extends Error {
  override name = "InvalidSettingsError";
}

/**
 * Reads and checks all settings; the only reader of the environment.
 * @throws {InvalidSettingsError} naming every bad setting at once, without its value.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const parsed = setting.schema.safeParse(given(env, name) ?? setting.default);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        `${name}: ${given(env, name) === undefined && setting.default === undefined ? "is required" : parsed.error.issues[0]!.message} (${setting.doc})`,
      );
  }
  if (problems.length > 0) throw new InvalidSettingsError(`Invalid settings:\n  ${problems.join("\n  ")}`);
  return values as Config;
}
