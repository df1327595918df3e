import "./views/force-color.ts";

import { Dashboard, type DashboardOptions } from "./control/dashboard.ts";

/**
 * Shows the dashboard on the terminal of standard input and output until the
 * user quits. Rejects with what went wrong, after the terminal was restored.
 */
export async function runDashboard(options: DashboardOptions): Promise<void> {
  await new Dashboard(options).run();
}
