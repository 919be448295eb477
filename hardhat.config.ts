import { fileURLToPath } from "node:url";
import toolboxViem from "@nomicfoundation/hardhat-toolbox-viem";
import { configVariable, defineConfig, task } from "hardhat/config";

export default defineConfig({
  plugins: [toolboxViem],
  solidity: {
    version: "0.8.37",
    // npm's own copy of the compiler: nothing is downloaded, and the lock file pins it.
    path: fileURLToPath(import.meta.resolve("solc/soljson.js")),
    settings: {
      evmVersion: "cancun",
      viaIR: true,
      optimizer: { enabled: true, runs: 1_000_000 },
      // The contract's address follows from its bytecode: a changed comment must not move it.
      metadata: { bytecodeHash: "none", appendCBOR: false },
    },
  },
  // A call of the handlers that reverts is a failed assertion: nothing else reverts there.
  test: { solidity: { invariant: { runs: 64, depth: 100, failOnRevert: true } } },
  tasks: [
    task("deploy", "Puts the contract on the chain of --network and records where it is")
      .addOption({
        name: "deploymentsDir",
        description: "Where <chainId>.json is kept",
        defaultValue: "deployments",
      })
      .setAction(() => import("./scripts/deployTask.ts"))
      .build(),
    task("export-contract", "Writes the ABI and the creation bytecode as TypeScript constants")
      .addFlag({ name: "check", description: "Write nothing; fail when a file is out of date" })
      .setAction(() => import("./scripts/exportContract.ts"))
      .build(),
  ],
  networks: {
    devChain: {
      type: "edr-simulated",
      chainId: 31337,
      mining: { auto: false, interval: 1000 },
      // As real nodes do: a transaction that reverts is mined, and its sender gets a hash.
      throwOnTransactionFailures: false,
    },
    live: {
      type: "http",
      url: configVariable("RPC_URL"),
      accounts: [configVariable("DEPLOYER_PRIVATE_KEY")],
    },
  },
});
