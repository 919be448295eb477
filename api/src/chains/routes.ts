import type { Chain } from "../chain/chainDirectory.ts";
import { type Access, defineRoute, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { type CreateChainDeps, createChain } from "./createChain.ts";
import { describeChain, describePublicChain } from "./describeChain.ts";
import { chainAnswer, chainListAnswer, createChainBody, publicChainListAnswer } from "./wire.ts";

export type ChainRoutesDeps = CreateChainDeps & {
  verbContext: ReturnType<typeof createVerbContext>;
  /** Every chain, by its id. */
  listChains: () => Promise<Chain[]>;
};

const admin = (action: `${string}.${string}`): Access => ({ scope: "admin", action, resourceType: "chain" });

/** The first account of every development chain: public knowledge, and worthless anywhere else. */
const EXAMPLE_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** The chains that hashes are anchored on (HA-17). */
export function chainRoutes({ verbContext, listChains, ...deps }: ChainRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/admin/chains",
      summary: "Add a chain",
      description:
        "Its RPC is asked first. Workers and the indexer take it up within seconds; submissions may name it at once.",
      access: admin("chain.create"),
      body: createChainBody,
      bodyExample: {
        name: "Development",
        chainId: 31337,
        rpcUrl: "http://127.0.0.1:8545",
        contractAddress: "0x1234567890abcdef1234567890abcdef12345678",
        privateKey: EXAMPLE_KEY,
        confirmations: 5,
        isDefault: false,
      },
      answers: {
        201: { description: "Added", schema: chainAnswer },
        409: { description: "There is a chain with this chainId" },
      },
      handle: async (c, { body }) =>
        c.json(describeChain(await createChain({ ctx: verbContext(c), input: body, ...deps })), 201),
    }),
    defineRoute({
      method: "get",
      path: "/admin/chains",
      summary: "List the chains as they are configured, without keys",
      access: admin("chain.list"),
      answers: { 200: { description: "All of them", schema: chainListAnswer } },
      handle: async (c) => c.json({ data: (await listChains()).map(describeChain) }),
    }),
    defineRoute({
      method: "get",
      path: "/v1/chains",
      summary: "The chains that a submission may name",
      access: "public",
      answers: { 200: { description: "All of them", schema: publicChainListAnswer } },
      handle: async (c) => c.json({ data: (await listChains()).map(describePublicChain) }),
    }),
  ];
}
