import pg from "pg";

export type AnchorRow = {
  chain_id: string;
  publisher: string;
  root: string;
  leaf_count: string;
  head: string;
  block_number: string;
  block_hash: string;
  block_timestamp: string;
  transaction_hash: string;
  log_index: number;
  gas_used: string;
};

/** Reads the indexer's views as the API does, through a pool that outlives restarts of the database. */
export function openChainViews(databaseUrl: string) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on("error", () => {});
  return {
    pool,
    async anchors(): Promise<AnchorRow[]> {
      const { rows } = await pool.query<AnchorRow>(
        "SELECT * FROM chain.anchors ORDER BY block_number, log_index",
      );
      return rows;
    },
    async has(root: string): Promise<boolean> {
      return (await this.anchors()).some((anchor) => anchor.root === root);
    },
    /** Block up to which everything is indexed, or undefined while the index is not live. */
    async indexedBlock(): Promise<bigint | undefined> {
      const { rows } = await pool.query<{ number: string }>(
        `SELECT substr(latest_checkpoint, 27, 16)::bigint AS number
         FROM chain._ponder_checkpoint, chain._ponder_meta WHERE value ->> 'is_ready' = '1'`,
      );
      return rows[0] && BigInt(rows[0].number);
    },
    close: () => pool.end(),
  };
}
