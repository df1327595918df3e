import type { runDashboard } from "./main.tsx";

/**
 * Loads the dashboard. Built as a file of its own: the dashboard's layout
 * library is an ES module that awaits at its top level, which needs a real
 * `import()`, while the command line is built without one.
 */
export async function loadDashboard(): Promise<{ readonly runDashboard: typeof runDashboard }> {
  return await import("./main.tsx");
}
