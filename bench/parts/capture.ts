/** How fast output is taken from a process when nobody watches. */
import { type BenchDaemon, openDaemon } from "../measure/daemon.ts";
import { compileLimit, numberFrom } from "../measure/limits.ts";
import { mebibyte, written } from "../measure/output.ts";
import type { Part } from "../measure/part.ts";
import { megabytesPerSecond } from "../measure/raw-streams.ts";
import { type Measure, type MeasureResult, runRounds } from "../measure/rounds.ts";

const bytes = 1024 * mebibyte;

export const capture: Part = {
  name: "capture",
  async run({ rounds, directory, say }) {
    const reader = compileLimit("reader", directory);
    const writer = compileLimit("writer", directory);
    await using daemon = await openDaemon({ commandHost: false });
    const measures: MeasureResult[] = [];
    for (const pieceBytes of [8192, 65_536]) {
      const measure = captureMeasure({ daemon, reader, writer, bytes, pieceBytes });
      say(measure.title);
      measures.push(await runRounds(measure, rounds));
    }
    return {
      title: "Taking output",
      text: "A C program reads the same writer from a pipe of 1 MiB and does nothing with the bytes. pm's figure includes starting the process and learning that its output is complete.",
      measures,
      growths: [],
      figures: [],
      absent: [],
    };
  },
};

export interface CaptureOptions {
  readonly daemon: BenchDaemon;
  /** The compiled programs. */
  readonly reader: string;
  readonly writer: string;
  readonly bytes: number;
  readonly pieceBytes: number;
}

export function captureMeasure({ daemon, reader, writer, bytes, pieceBytes }: CaptureOptions): Measure {
  const pm = async (limitBytes: number): Promise<number> => {
    const begin = performance.now();
    const process = await written(daemon.manager, writer, bytes, pieceBytes, limitBytes);
    const rate = megabytesPerSecond(bytes, begin);
    await process.remove({ force: true });
    return rate;
  };
  return {
    title: `Taking ${bytes / mebibyte} MiB from a process that writes ${pieceBytes / 1024} KiB at a time`,
    unit: "MB/s",
    better: "higher",
    reference: "C reader",
    contenders: [
      { name: "C reader", run: () => numberFrom(reader, writer, String(bytes), String(pieceBytes)) },
      { name: "pm, 1 MiB kept", run: () => pm(mebibyte) },
      { name: "pm, 64 MiB kept", run: () => pm(64 * mebibyte) },
    ],
    targets: [
      { contender: "pm, 1 MiB kept", ratio: 0.85 },
      { contender: "pm, 64 MiB kept", ratio: 0.7 },
    ],
  };
}
