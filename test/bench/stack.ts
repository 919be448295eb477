/** Everything running: API, workers, indexer, chain, database. `databaseUrl` may create schemas and tables. */
export type Stack = {
  apiUrl: string;
  adminKey: string;
  databaseUrl: string;
  rpcUrl: string;
  workers: readonly { pid: number }[];
  stop(): Promise<unknown>;
};

export type Parts = {
  /** false leaves workers and indexer out: for what the API answers by itself. Default true. */
  pipeline?: boolean;
};

/** Starts a stack on an empty database and resolves once it serves. */
export type StartStack = (parts?: Parts) => Promise<Stack>;

/** Runs `work` on a stack of its own, which is stopped however that ends. */
export async function withStack<T>(
  startStack: StartStack,
  work: (stack: Stack) => Promise<T>,
  parts?: Parts,
): Promise<T> {
  const stack = await startStack(parts);
  try {
    return await work(stack);
  } finally {
    await stack.stop();
  }
}
