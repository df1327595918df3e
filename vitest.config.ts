import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Nobody's own contexts and configuration take part in a test.
    env: { XDG_CONFIG_HOME: "/dev/null/none", PM_CONFIG: "", PM_HOST: "", PM_CONTEXT: "" },
    include: ["test/**/*.test.{ts,tsx}"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
