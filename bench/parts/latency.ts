/** From a line's writing to its reader. */
import { openDaemon } from "../measure/daemon.ts";
import { compileLimit, numberFrom } from "../measure/limits.ts";
import { mebibyte } from "../measure/output.ts";
import type { Part } from "../measure/part.ts";
import { median, percentile, runRounds } from "../measure/rounds.ts";

const delayUs = 5000;
const flooders = 10;
/** Of all lines; by then what had piled up before the stream was open has long been read. */
const opening = 1 / 3;

export const latency: Part = {
  name: "latency",
  async run({ rounds, quick, directory, say }) {
    const lines = quick ? 50 : 300;
    const [echo, writer, reader] = ["echo", "writer", "latency"].map((name) => compileLimit(name, directory)) as [
      string,
      string,
      string,
    ];
    await using daemon = await openDaemon({ commandHost: false });
    const { processes } = daemon.manager;
    const firsts: number[] = [];
    const later: number[] = [];
    const pm = async (beside: number): Promise<number> => {
      const floods = await Promise.all(
        Array.from({ length: beside }, () =>
          processes.start({ executable: writer, args: ["1000000000000", "65536"], output: { limitBytes: mebibyte } }),
        ),
      );
      const process = await processes.start({ executable: echo, args: [String(lines), String(delayUs)] });
      const waited: number[] = [];
      let text = "";
      for await (const frame of process.stream({ follow: true })) {
        if (frame.type !== "chunk") continue;
        const now = performance.timeOrigin + performance.now();
        text += Buffer.from(frame.data).toString("latin1");
        const whole = text.split("\n");
        text = whole.pop() ?? "";
        waited.push(...whole.map((line) => now - Number(line) / 1e6));
      }
      for (const one of [...floods, process]) await one.remove({ force: true });
      if (waited.length !== lines) throw new Error(`${waited.length} of ${lines} lines came`);
      if (beside > 0) {
        firsts.push(waited[0] ?? Number.NaN);
        later.push(percentile(waited.slice(lines * opening), 99));
      }
      return percentile(waited, 99);
    };
    const c = (beside: number) => numberFrom(reader, echo, String(lines), String(delayUs), String(beside), writer);
    const measures = [];
    for (const beside of [0, flooders]) {
      say(`a line beside ${beside} flooders`);
      measures.push(
        await runRounds(
          {
            title: `99th percentile of ${lines} lines, ${beside === 0 ? "nothing else running" : `beside ${beside} flooders`}`,
            unit: "ms",
            better: "lower",
            reference: "C reader",
            contenders: [
              { name: "C reader", run: () => c(beside) },
              { name: "pm SDK", run: () => pm(beside) },
            ],
            ...(beside > 0 && { targets: [{ contender: "pm SDK", ratio: 2 }] }),
          },
          rounds,
        ),
      );
    }
    return {
      title: "Latency",
      text: "A C program writes the time, one line every 5 ms. Beside it run programs that write zeros as fast as somebody reads them.",
      measures,
      growths: [],
      figures: [
        { name: "first line beside the flooders", value: median(firsts), unit: "ms" },
        { name: "99th percentile beside them, without the first third of the lines", value: median(later), unit: "ms" },
      ],
      absent: [],
    };
  },
};
