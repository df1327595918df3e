/**
 * Starts a process, follows its output as it comes, and tells how it ended.
 *
 *     pm daemon start
 *     node examples/typescript/run-and-follow.ts
 *
 * Another project imports the same from "process-manager".
 */
import { stdout } from "node:process";
import { PmError, ProcessManager } from "../../src/sdk/index.ts";

await using pm = await ProcessManager.connect();

// What the operating system refuses to start is an error with its own words for it.
try {
  await pm.processes.start({ executable: "/no/such/program" });
} catch (error) {
  if (!(error instanceof PmError) || error.reason !== "START_FAILED") {
    throw error;
  }
  console.log(`not started: ${error.metadata["errno_text"]} (${error.metadata["errno_name"]})`);
}

const script = 'for n in 1 2 3; do echo "line $n"; sleep 0.2; done; echo "done" >&2; exit 3';
const child = await pm.processes.start({
  executable: "sh",
  args: ["-c", script],
  labels: { example: "run-and-follow" },
});
console.log(`started ${child.id}`);

// Goes on through lost connections and restarts of the daemon, and ends when the output is complete.
for await (const frame of child.stream({ follow: true })) {
  if (frame.type === "chunk") {
    stdout.write(`${frame.stream} at offset ${frame.offset}: `);
    stdout.write(frame.data);
  } else if (frame.type === "gap") {
    console.log(`bytes ${frame.from} to ${frame.to} were dropped before they were read`);
  }
}

const { run } = await child.wait();
const exit = run?.exit;
console.log(exit?.code === undefined ? `ended by ${exit?.signalName}` : `exited with ${exit.code}`);
await child.remove();
