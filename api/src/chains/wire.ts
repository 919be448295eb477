import { z } from "zod";
import type { Hex } from "#protocol/bytes.ts";
import { isPrivateKey } from "../chain/publisherKey.ts";

const NAME_MAX = 100;
const URL_MAX = 2_048;

const name = z
  .string(`must have 1 to ${NAME_MAX} characters`)
  .min(1, `must have 1 to ${NAME_MAX} characters`)
  .max(NAME_MAX, `must have 1 to ${NAME_MAX} characters`)
  .refine((text) => !text.includes("\0"), "must not contain U+0000");

const rpcUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .max(URL_MAX, `must have at most ${URL_MAX} characters`)
  .refine((text) => !text.includes("\0"), "must not contain U+0000");

const lowerHex = (digits: number) =>
  z
    .string(`must be 0x and ${digits} hex digits`)
    .regex(new RegExp(`^0x[0-9a-fA-F]{${digits}}$`), `must be 0x and ${digits} hex digits`)
    .transform((text) => text.toLowerCase() as Hex);

/** HA-17. */
export const createChainBody = z.object(
  {
    name,
    chainId: z.int("must be a whole number").positive("must be positive").describe("EIP-155"),
    rpcUrl: rpcUrl.describe("JSON-RPC endpoint of the chain"),
    contractAddress: lowerHex(40).describe("AnchorRegistry on the chain"),
    privateKey: lowerHex(64)
      .refine(isPrivateKey, "is not a key of secp256k1")
      .describe("Of the publisher, which signs and pays for anchors; kept sealed, never shown"),
    confirmations: z
      .int("must be a whole number")
      .min(1, "must be 1 to 10000")
      .max(10_000, "must be 1 to 10000")
      .default(5)
      .describe("Blocks, the anchor's own included, before a batch counts as anchored"),
    isDefault: z
      .boolean("must be true or false")
      .default(false)
      .describe("Whether submissions without a chainId go to it from now on"),
  },
  "must be an object",
);
export type CreateChainInput = z.output<typeof createChainBody>;

const publicChain = z.object({ id: z.uuid(), name: z.string(), chainId: z.int() });

export const chainAnswer = publicChain.extend({
  rpcUrl: z.string().describe("Origin alone: the rest may hold a provider's key"),
  contractAddress: z.string(),
  publisher: z.string().describe("Address that the private key belongs to"),
  confirmations: z.int(),
  isDefault: z.boolean(),
  createdAt: z.iso.datetime(),
});
export const chainListAnswer = z.object({ data: z.array(chainAnswer) });
export const publicChainListAnswer = z.object({ data: z.array(publicChain) });
