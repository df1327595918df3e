import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * XDG_CONFIG_HOME of the tests: nobody's own contexts and configuration take part. Tools that tests run (go, fish) may
 * make it; it is removed at the end.
 */
export const configDirectory = join(tmpdir(), `pm-test-config-${process.pid}`);
