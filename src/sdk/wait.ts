/** Waiting for a process through restarts of the daemon. */
import { processFromJson } from "./json/process.ts";
import { waitConditions } from "./json/requests.ts";
import { isConnectionLoss, Retries } from "./retries.ts";
import type { Transport } from "./transport/transport.ts";
import type { ProcessInfo, WaitOptions } from "./types.ts";

/** See `ProcessManager.wait`. */
export async function waitForProcess(transport: Transport, ref: string, options: WaitOptions): Promise<ProcessInfo> {
  const { until, reconnect = true } = options;
  const retries = new Retries(options);
  // A later attempt must wait for the same run of the same process, whatever the reference means by then.
  const first = processFromJson(
    (await transport.unary("pm.v1.ProcessService/GetProcess", { id: ref }, retries.callOptions())).process,
  );
  const request = {
    id: first.id,
    run: options.run ?? first.run,
    ...(until !== undefined && { condition: waitConditions[until] }),
  };
  for (;;) {
    try {
      const { process } = await transport.unary("pm.v1.ProcessService/WaitProcess", request, retries.callOptions());
      retries.succeeded();
      return processFromJson(process);
    } catch (error) {
      if (!reconnect || !isConnectionLoss(error)) {
        throw error;
      }
      await retries.pause(error);
    }
  }
}
