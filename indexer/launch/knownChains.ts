import type { Logger } from "pino";
import { type ChainSettings, parseChain } from "../chainSettings.ts";
import type { Queryable } from "./indexSchema.ts";

/** What the API shows of its chains to whoever indexes them: no keys. Its migrations make it. */
const CHAINS_VIEW = "app.indexed_chains";

type Row = { chain_id: string; rpc_url: string; contract_address: string; start_block: string | null };

/**
 * The chains to index: those of the settings, and of the database those that the settings do not name. Chains of the database come
 * and go while the indexer runs.
 */
export async function listKnownChains(
  database: Queryable,
  settings: readonly ChainSettings[],
  log: Logger,
): Promise<ChainSettings[]> {
  const named = new Set(settings.map(({ chainId }) => chainId));
  const added = (await readRows(database)).filter((row) => !named.has(Number(row.chain_id)));
  return [...settings, ...added.flatMap((row) => parseRow(row, log))].sort((a, b) => a.chainId - b.chainId);
}

async function readRows(database: Queryable): Promise<Row[]> {
  const { rows: found } = await database.query("SELECT to_regclass($1) AS view", [CHAINS_VIEW]);
  if (found[0].view === null) return [];
  const { rows } = await database.query<Row>(`SELECT * FROM ${CHAINS_VIEW}`);
  return rows;
}

function parseRow(row: Row, log: Logger): ChainSettings[] {
  const chainId = Number(row.chain_id);
  try {
    return [
      parseChain({
        chainId,
        rpcUrl: row.rpc_url,
        contractAddress: row.contract_address,
        startBlock: Number(row.start_block ?? 0),
      }),
    ];
  } catch (error) {
    log.warn({ msg: "A chain of the database cannot be indexed", chainId, reason: (error as Error).message });
    return [];
  }
}
