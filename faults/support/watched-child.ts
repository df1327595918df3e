import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Runs a script of the campaign in a process of its own, which says a line now
 * and then: what spins for ever in there stops nothing here.
 *
 * @param patienceMs How long it may say nothing before it is killed.
 * @returns whether it ended by itself, with exit code 0
 */
export async function runWatched(
  script: string,
  args: readonly string[],
  patienceMs: number,
  onLine: (line: string) => void,
): Promise<boolean> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const giveUp = () => child.kill("SIGKILL");
  let timer = setTimeout(giveUp, patienceMs);
  createInterface({ input: child.stdout }).on("line", (line) => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, patienceMs);
    onLine(line);
  });
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return code === 0;
}
