import type { Logger } from "pino";
import type { Hex } from "#protocol/bytes.ts";
import { openPublisherKey } from "../chain/publisherKey.ts";
import { chains } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { isNotNull } from "../db/drizzle.ts";
import type { SecretBox } from "../secrets/secretBox.ts";

/** A chain that this worker holds the publisher's key of. */
export type KeyedChain = {
  /** Where the key comes from: the worker's settings, or sealed in the database (HA-17). */
  source: "settings" | "database";
  chainId: number;
  name: string;
  rpcUrl: string;
  contractAddress: Hex;
  confirmations: number;
  privateKey: Hex;
};

/** `unopenable`: ids of chains whose key is sealed with a secret that this worker does not have. */
export type KeyedChains = { keyed: KeyedChain[]; unopenable: ReadonlySet<number> };

/** Lists the chains to work for: that of the settings, if there is one, and all that were added over HTTP. */
export function createChainLister({
  db,
  secretBox,
  settings,
  logger,
}: {
  db: Database;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  settings: KeyedChain | null;
  logger: Logger;
}): () => Promise<KeyedChains> {
  const told = new Set<number>();

  function tell(chainId: number): void {
    if (told.has(chainId)) return;
    told.add(chainId);
    logger.error(
      { chainId },
      "the chain's key does not open: CHAIN_KEY_ENCRYPTION_SECRET lacks the secret that sealed it",
    );
  }

  return async () => {
    const rows = await db.orm.select().from(chains).where(isNotNull(chains.privateKey));
    const keyed = settings === null ? [] : [settings];
    const unopenable = new Set<number>();
    for (const row of rows) {
      const privateKey = openKey(secretBox, row.chainId, row.privateKey!);
      if (privateKey === null) {
        unopenable.add(row.chainId);
        tell(row.chainId);
      } else {
        const { chainId, name, rpcUrl, confirmations } = row;
        const contractAddress: Hex = `0x${Buffer.from(row.contractAddress).toString("hex")}`;
        keyed.push({
          source: "database",
          chainId,
          name,
          rpcUrl,
          contractAddress,
          confirmations,
          privateKey,
        });
      }
    }
    return { keyed, unopenable };
  };
}

function openKey(secretBox: SecretBox | null, chainId: number, sealed: Uint8Array): Hex | null {
  try {
    return secretBox && openPublisherKey(secretBox, chainId, sealed);
  } catch {
    return null;
  }
}
