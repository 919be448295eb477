import type { Config } from "#api/config.ts";

type Name = keyof Config;

/** What the API and the worker read of api/src/config.ts; the indexer reads none of it. */
export const READ_BY = {
  api: [
    "DATABASE_URL",
    "DATABASE_CONNECTIONS_MAX",
    "REDIS_URL",
    "HOST",
    "PORT",
    "PUBLIC_URL",
    "TRUSTED_PROXIES",
    "METRICS_TOKEN",
    "PUBLIC_RATE_LIMIT",
    "AUTH_RATE_LIMIT",
    "SIGN_UP_RATE_LIMIT",
    "LOGIN_RATE_LIMIT",
    "LOGIN_STRANGERS_RATE_LIMIT",
    "PLAN_FREE_HASHES",
    "PLAN_BASIC_HASHES",
    "PLAN_PRO_HASHES",
    "PLAN_FREE_RATE_LIMIT",
    "PLAN_BASIC_RATE_LIMIT",
    "PLAN_PRO_RATE_LIMIT",
    "CHAIN_KEY_ENCRYPTION_SECRET",
    "WEBHOOK_ALLOW_LOOPBACK",
    "RPC_TIMEOUT_MS",
    "EXPORT_FOLDER",
    "EXPORT_TENANT_BYTES_MAX",
    "MEDIA_TENANT_BYTES_MAX",
    "MEDIA_FOLDER",
    "MEDIA_S3_URL",
    "MEDIA_S3_REGION",
    "MEDIA_S3_ACCESS_KEY_ID",
    "MEDIA_S3_SECRET_ACCESS_KEY",
    "PDF_SIGNING_KEY_FILE",
    "PDF_SIGNING_CERTIFICATE_FILE",
    "LOG_LEVEL",
  ],
  worker: [
    "DATABASE_URL",
    "DATABASE_CONNECTIONS_MAX",
    "HOST",
    "METRICS_PORT",
    "METRICS_TOKEN",
    "CHAIN_ID",
    "CHAIN_NAME",
    "CHAIN_RPC_URL",
    "CHAIN_CONTRACT_ADDRESS",
    "CHAIN_PUBLISHER_PRIVATE_KEY",
    "CHAIN_CONFIRMATIONS",
    "CHAIN_KEY_ENCRYPTION_SECRET",
    "BALANCE_ANCHORS_MIN",
    "RECEIPT_SIGNING_KEY_FILE",
    "WEBHOOK_ALLOW_LOOPBACK",
    "SEAL_INTERVAL_MS",
    "BATCH_LEAVES_MAX",
    "PIPELINE_POLL_MS",
    "RPC_TIMEOUT_MS",
    "RESEND_AFTER_MS",
    "REPLACE_AFTER_MS",
    "EXPORT_FOLDER",
    "EXPORT_TENANT_BYTES_MAX",
    "MEDIA_FOLDER",
    "MEDIA_KEPT_DAYS",
    "MEDIA_S3_URL",
    "MEDIA_S3_REGION",
    "MEDIA_S3_ACCESS_KEY_ID",
    "MEDIA_S3_SECRET_ACCESS_KEY",
    "WORKER_NAME",
    "LOG_LEVEL",
  ],
} as const satisfies Record<string, readonly Name[]>;

/** The environment of a process: of the settings those that it reads, and no others, as SECURITY.md says where secrets are. */
export function environmentOf(
  names: readonly Name[],
  settings: Record<string, string | undefined>,
): Record<string, string> {
  const read = names.flatMap((name): [string, string][] => {
    const value = settings[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...baseEnvironment(), ...Object.fromEntries(read) };
}

/** What every process needs of the environment; settings come beside it. */
export function baseEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, NODE_ENV: "production" };
}
