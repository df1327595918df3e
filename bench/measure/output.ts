/** Output to read: made by a C program, in pieces of a known size. */
import type { Process, ProcessManager } from "../../src/sdk/index.ts";

export const mebibyte = 1 << 20;

/** Runs `writer` to its end under pm. */
export async function written(
  manager: ProcessManager,
  writer: string,
  bytes: number,
  pieceBytes: number,
  limitBytes: number,
): Promise<Process> {
  const process = await manager.processes.start({
    executable: writer,
    args: [String(bytes), String(pieceBytes)],
    output: { limitBytes },
  });
  await process.wait({ until: "outputComplete", timeoutMs: 600_000 });
  return process;
}
