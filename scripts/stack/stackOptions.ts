export type StackOptions = {
  /** Keeps the database, keys, logs and stack.json. */
  home: string;
  /** Settings that were given, by name: those of the processes (docs/settings.md), which win over the stack's own. */
  settings: Record<string, string>;
  /** Ports that are taken when they are free. */
  ports: { api: number; indexer: number; rpc: number };
  /** One line of text a step. */
  onProgress: (text: string) => void;
  /** Told why the stack cannot go on, when a part is lost that cannot be started again: its owner stops it. */
  onFailure: (reason: string) => void;
  /** Aborted while the stack starts: what runs already is stopped, and the start rejects with the signal's reason. */
  signal: AbortSignal;
};

/** What the parts start with. */
export type StackStart = StackOptions & {
  /** Takes what stops a part, called in the reverse order. */
  onStop: (stopPart: () => Promise<unknown>) => void;
};
