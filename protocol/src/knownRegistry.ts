// Generated from contracts/AnchorRegistry.sol by `npx hardhat export-contract`.
/** Address of this release's AnchorRegistry, the same on every chain; in lower case. */
export const registryAddress = "0xc616fdb899f5e92cdd21773b82f9311e29c1bef5";
/** keccak256 of its runtime code with zeros in the place of its immutables. */
export const registryCodeHash = "0x4f34d673284536ffc038d0470e94d43253338b6789cb17dd5b2b8bd24aa0a636";
/** Where in that code an immutable stands, 32 bytes each. */
export const registryImmutables: readonly number[] = [425, 466, 3150, 3197, 3276, 3314, 3386];
