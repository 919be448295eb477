import type { Logger } from "pino";
import type { LoginLimits } from "./accounts/loginLimits.ts";
import type { PlanLimits, PlanRateLimits } from "./accounts/plan.ts";
import type { MediaStore } from "./consentGate/mediaStore.ts";
import type { PdfSigner } from "./consentProof/pdf/pdfSigner.ts";
import type { Database } from "./db/client.ts";
import type { CountRequest } from "./http/rateLimit.ts";
import type { JobQueue } from "./jobs/jobQueue.ts";
import type { Metrics } from "./operations/metrics.ts";
import type { ResolveName } from "./outbound/resolveTarget.ts";
import type { SecretBox } from "./secrets/secretBox.ts";

/** What the HTTP surface is made of; whoever starts a process opens it, and closes it again. */
export type AppDeps = {
  db: Database;
  jobs: JobQueue;
  clock: () => Date;
  logger: Logger;
  countRequest: CountRequest;
  onKeyUsed: (apiKeyId: string) => void;
  publicUrl: string;
  trustedProxies: readonly string[];
  publicRateLimitPerMinute: number;
  rpcTimeoutMs: number;
  planLimits: PlanLimits;
  exportFolder: string;
  exportTenantBytesMax: number;
  mediaTenantBytesMax: number;
  mediaStore: MediaStore;
  /** Where uploads lie while they are received. */
  uploadFolder: string;
  /** Null when PDFs are not signed. */
  pdfSigner: PdfSigner | null;
  planRateLimits: PlanRateLimits;
  loginLimits: LoginLimits;
  metrics: Metrics;
  metricsToken: string | undefined;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  resolveName: ResolveName;
  webhookAllowLoopback: boolean;
};
