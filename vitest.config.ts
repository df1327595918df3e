import { defineConfig } from "vitest/config";
import { configDirectory } from "./test/support/config-directory.ts";

export default defineConfig({
  test: {
    env: { XDG_CONFIG_HOME: configDirectory, PM_CONFIG: "", PM_HOST: "", PM_CONTEXT: "" },
    include: ["test/**/*.test.{ts,tsx}"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
