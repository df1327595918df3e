import type { Blocks } from "./blocks.ts";
import type { RunDirectory } from "./directory.ts";
import type { Holds } from "./hold/holds.ts";
import type { OutputNews } from "./news.ts";
import type { SourcePool } from "./pool.ts";

/** What all that is done with output shares. */
export interface OutputContext {
  readonly directory: RunDirectory;
  readonly pool: SourcePool;
  readonly blocks: Blocks;
  readonly news: OutputNews;
  readonly holds: Holds;
  /** @throws EngineError SHUTTING_DOWN once the engine closes; followers are woken then. */
  checkOpen(): void;
}
