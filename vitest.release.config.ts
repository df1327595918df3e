/** What is released, installed into empty places: minutes, so apart from `npm test`. */
import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

export default defineConfig({
  test: { ...config.test, include: ["test/release/**/*.release.ts"], fileParallelism: false },
});
