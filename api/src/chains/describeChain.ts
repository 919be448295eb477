import type { Chain } from "../chain/chainDirectory.ts";

/** What anybody may know of a chain. */
export function describePublicChain({ id, name, chainId }: Chain) {
  return { id, name, chainId };
}

/** What the operator is told of a chain. Neither the key nor, of the RPC URL, more than its origin: the rest may hold a provider's key. */
export function describeChain(chain: Chain) {
  return {
    ...describePublicChain(chain),
    rpcUrl: new URL(chain.rpcUrl).origin,
    contractAddress: toHex(chain.contractAddress),
    publisher: toHex(chain.publisher),
    confirmations: chain.confirmations,
    isDefault: chain.isDefault,
    createdAt: chain.createdAt,
  };
}

function toHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
