import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Artifact } from "hardhat/types/artifacts";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { type Hex, hexToBytes, keccak256 } from "viem";
import { addressOfInitCode } from "./deploy.ts";

type ExportArguments = { check: boolean };

/**
 * Hardhat task `export-contract`: writes what the rest of the project knows of the contract, as
 * TypeScript constants: its ABI, its creation bytecode, its address and the hash of its runtime code.
 * With `--check` it writes nothing and fails when a file is not what it would write.
 */
export default async function exportContract(
  { check }: ExportArguments,
  hre: HardhatRuntimeEnvironment,
): Promise<void> {
  await hre.tasks.getTask("build").run({ quiet: true, noTests: true });
  const artifact = await hre.artifacts.readArtifact("AnchorRegistry");
  const files = {
    "protocol/src/anchorRegistryAbi.ts": abiModule(artifact.abi),
    "protocol/src/knownRegistry.ts": knownRegistryModule(artifact),
    "contracts/anchorRegistryInitCode.ts": initCodeModule(artifact.bytecode),
  };
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(hre.config.paths.root, name);
    if (check) await requireContent(file, content);
    else await writeFile(file, content);
  }
}

async function requireContent(file: string, content: string): Promise<void> {
  const present = await readFile(file, "utf8").catch(() => null);
  if (present === content) return;
  throw new Error(
    `${path.basename(file)} does not match contracts/AnchorRegistry.sol. Run: npx hardhat export-contract`,
  );
}

function abiModule(abi: unknown): string {
  const literal = JSON.stringify(abi, null, 2)
    .replaceAll(/"(\w+)":/g, "$1:")
    .replaceAll(/([^,[{])\n/g, "$1,\n");
  return `// Generated from contracts/AnchorRegistry.sol by \`npx hardhat export-contract\`.
/** ABI of the contract \`AnchorRegistry\`: functions, events and errors. */
export const anchorRegistryAbi = ${literal} as const;
`;
}

function initCodeModule(bytecode: string): string {
  return `// Generated from contracts/AnchorRegistry.sol by \`npx hardhat export-contract\`.
/**
 * Creation bytecode of \`AnchorRegistry\`, as hex. The contract's address on every chain follows from it, so it is kept here
 * instead of being compiled anew at each deployment.
 */
export const anchorRegistryInitCode =
  "${bytecode}";
`;
}

function knownRegistryModule({ bytecode, deployedBytecode, immutableReferences = {} }: Artifact): string {
  const immutables = Object.values(immutableReferences).flat();
  if (immutables.some(({ length }) => length !== 32)) throw new Error("an immutable has no 32 bytes");
  // The compiler has zeros in the place of immutables.
  const codeHash = keccak256(hexToBytes(deployedBytecode as Hex));
  const places = immutables.map(({ start }) => start).sort((one, other) => one - other);
  return `// Generated from contracts/AnchorRegistry.sol by \`npx hardhat export-contract\`.
/** Address of this release's AnchorRegistry, the same on every chain; in lower case. */
export const registryAddress = "${addressOfInitCode(bytecode as Hex).toLowerCase()}";
/** keccak256 of its runtime code with zeros in the place of its immutables. */
export const registryCodeHash = "${codeHash}";
/** Where in that code an immutable stands, 32 bytes each. */
export const registryImmutables: readonly number[] = [${places.join(", ")}];
`;
}
