import type { Row } from "./row.ts";
import type { StartStack } from "./stack.ts";

export type Section = (options: { startStack: StartStack }) => Promise<Row[]>;

/** Every section by the name that `npm run bench` takes, in the order they run in; loaded when it runs. */
export const sections: Record<string, Section> = {
  tree: async () => (await import("./merkleTree.ts")).run(),
  "post-hashes": async (options) => (await import("./postHashes.ts")).run(options),
  "post-batch": async (options) => (await import("./postBatch.ts")).run(options),
  "end-to-end": async (options) => (await import("./endToEnd.ts")).run(options),
  consents: async (options) => (await import("./consents.ts")).run(options),
  "active-document": async (options) => (await import("./activeDocument.ts")).run(options),
  "consent-search": async (options) => (await import("./consentSearch.ts")).run(options),
  "media-upload": async (options) => (await import("./mediaUpload.ts")).run(options),
  "proof-pdf": async (options) => (await import("./proofPdf.ts")).run(options),
  "read-paths": async (options) => (await import("./readPaths.ts")).run(options),
  exports: async (options) => (await import("./exports.ts")).run(options),
  stats: async (options) => (await import("./stats.ts")).run(options),
  platform: async (options) => (await import("./platform.ts")).run(options),
};
