import type { TestStack } from "#test/support/stack.ts";

/** One JSON-RPC call to the chain itself, past any proxy. @throws {Error} with the node's message. */
export async function askNode(
  { rpcUrl }: Pick<TestStack, "rpcUrl">,
  method: string,
  params: unknown[] = [],
  // biome-ignore lint/suspicious/noExplicitAny: what a node answers is as various as its methods
): Promise<any> {
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer = await response.json();
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}

/** From now on a block only when told to; Hardhat. */
export async function pauseMining(stack: Pick<TestStack, "rpcUrl">): Promise<void> {
  await askNode(stack, "evm_setIntervalMining", [0]);
}

export async function resumeMining(stack: Pick<TestStack, "rpcUrl">, intervalMs = 200): Promise<void> {
  await askNode(stack, "evm_setIntervalMining", [intervalMs]);
}

export async function mine(stack: Pick<TestStack, "rpcUrl">, blocks: number): Promise<void> {
  for (let block = 0; block < blocks; block++) await askNode(stack, "evm_mine");
}
