/** Everything running: API, workers, indexer, chain, database. `databaseUrl` may create schemas and tables. */
export type Stack = {
  apiUrl: string;
  adminKey: string;
  databaseUrl: string;
  rpcUrl: string;
  stop(): Promise<unknown>;
};

/** Starts a stack on an empty database and resolves once it can anchor. */
export type StartStack = () => Promise<Stack>;

/** Runs `work` on a stack of its own, which is stopped however that ends. */
export async function withStack<T>(startStack: StartStack, work: (stack: Stack) => Promise<T>): Promise<T> {
  const stack = await startStack();
  try {
    return await work(stack);
  } finally {
    await stack.stop();
  }
}
