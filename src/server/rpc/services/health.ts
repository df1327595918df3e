/** The standard health service (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../../gen/ts/grpc/health/v1/health_pb.ts";

/**
 * Every service of `services`, and the daemon as a whole (the empty name), is
 * SERVING until `stopping` is aborted, and NOT_SERVING from then on.
 */
export function healthService(services: readonly string[], stopping: AbortSignal): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const now = () => ({ status: stopping.aborted ? Status.NOT_SERVING : Status.SERVING });
  return {
    check({ service }) {
      if (!known.has(service)) {
        throw new ConnectError("no such service; List names all", Code.NotFound);
      }
      return now();
    },

    async *watch({ service }, context) {
      if (!known.has(service)) {
        // The protocol keeps the stream open, as a service may appear; here none does.
        yield { status: Status.SERVICE_UNKNOWN };
        await aborted(context.signal);
        return;
      }
      yield now();
      if (!stopping.aborted) {
        await aborted(AbortSignal.any([context.signal, stopping]));
        if (stopping.aborted) {
          yield now();
        }
      }
      await aborted(context.signal);
    },

    list() {
      return { statuses: Object.fromEntries([...known].map((service) => [service, now()])) };
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
