/** A process's output to the end, nothing of it lost where that can be had. */
import { type OutputFrame, PmError, type ProcessSpec, type StreamOptions } from "../sdk/index.ts";

/**
 * The frames of one run, and while they are taken slowly the process is held
 * back. Where another stream holds it already, or its spec allows no hold, it
 * is followed without: what is dropped then arrives as a gap.
 */
export async function* followHeld(
  stream: (options: StreamOptions) => AsyncIterable<OutputFrame>,
  { spec }: { readonly spec: ProcessSpec },
  options: Omit<StreamOptions, "follow" | "hold">,
): AsyncGenerator<OutputFrame, void, void> {
  if (spec.output.whenFull === "allowHold") {
    let opened = false;
    try {
      for await (const frame of stream({ ...options, follow: true, hold: true })) {
        opened = true;
        yield frame;
      }
      return;
    } catch (error) {
      const refused = error instanceof PmError && (error.reason === "OUTPUT_HELD" || error.reason === "HOLD_REFUSED");
      if (opened || !refused) {
        throw error;
      }
    }
  }
  yield* stream({ ...options, follow: true });
}
