import type { ServiceImpl } from "@connectrpc/connect";
import type { ProcessService } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { ServiceDependencies } from "../dependencies.ts";
import { batchCalls } from "./batch-calls.ts";
import { control } from "./control.ts";
import { input } from "./input.ts";
import { output } from "./output.ts";
import { reading } from "./read.ts";

/** The contract's ProcessService on an engine; each method checks its request and asks the engine. */
export function processService(dependencies: ServiceDependencies): ServiceImpl<typeof ProcessService> {
  return {
    ...control(dependencies),
    ...batchCalls(dependencies),
    ...reading(dependencies),
    ...output(dependencies),
    ...input(dependencies),
  };
}
