/**
 * Whether a test that needs a tool of the machine can run. Without the tool it
 * is skipped by name; with CI=true that is an error, so that a skipped proof
 * cannot pass for a proof.
 */
export function requires(tool: string, available: boolean): boolean {
  if (!available && process.env["CI"] === "true") {
    throw new Error(`${tool} is missing, and CI=true wants it`);
  }
  return available;
}
