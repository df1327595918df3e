import { defineConfig } from "vitest/config";
import { configDirectory } from "./test/support/config-directory.ts";

export default defineConfig({
  test: {
    env: { XDG_CONFIG_HOME: configDirectory, PM_CONFIG: "", PM_HOST: "", PM_CONTEXT: "" },
    include: ["test/**/*.test.{ts,tsx}"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    // Most tests wait for processes: on two cores four files at a time take half as long as one after the other.
    maxWorkers: 4,
    // What a machine with much else to do needs; nothing waits for it.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
