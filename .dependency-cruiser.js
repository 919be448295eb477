/** Who may import whom: protocol ← verifier, indexer (the ABI only), api; nobody imports api but its own processes and tests. */
export default {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "protocol-is-pure",
      comment: "protocol is the bottom layer and runs in a browser",
      severity: "error",
      from: { path: "^protocol/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(api|indexer|verifier|scripts|test|contracts)/|^node:" },
    },
    {
      name: "protocol-uses-no-node",
      severity: "error",
      from: { path: "^protocol/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "verifier-knows-only-protocol",
      severity: "error",
      from: { path: "^verifier/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(api|indexer|scripts|test|contracts)/" },
    },
    {
      name: "indexer-takes-only-the-abi",
      severity: "error",
      from: { path: "^indexer/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(api|verifier|scripts|test|contracts|protocol/(?!src/anchorRegistryAbi\\.ts$))" },
    },
    {
      name: "nobody-imports-api",
      comment: "the API is run, not imported; its tests and the scripts that start it are the exception",
      severity: "error",
      from: { path: "^(protocol|verifier|indexer|contracts)/" },
      to: { path: "^api/" },
    },
    {
      name: "production-imports-no-tests",
      severity: "error",
      from: {
        path: "^(api|protocol|verifier|indexer|scripts)/",
        pathNot: "\\.test\\.ts$|^scripts/bench\\.ts$",
      },
      to: { path: "^test/|\\.test\\.ts$" },
    },
    {
      name: "routes-hold-no-sql",
      severity: "error",
      from: { path: "^api/src/.*(routes|wire)\\.ts$" },
      to: { path: "^api/src/db/|node_modules/pg/" },
    },
    {
      name: "drizzle-is-loaded-once",
      comment: "db/drizzle.ts says why",
      severity: "error",
      from: { pathNot: "^api/src/db/drizzle\\.ts$" },
      to: { path: "node_modules/drizzle-orm/" },
    },
    {
      name: "only-routes-know-hono",
      comment: "SQL and HTTP never meet in one file: verbs take parsed input and answer values",
      severity: "error",
      from: { path: "^api/src/(pipeline|chain|db)/", pathNot: "\\.test\\.ts$" },
      to: { path: "node_modules/(hono|@hono)/|^api/src/http/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "indexer/(generated|\\.ponder)|^artifacts|^cache" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ["import", "node", "default"], exportsFields: ["exports"] },
  },
};
