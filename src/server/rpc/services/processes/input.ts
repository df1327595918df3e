/** What a process is given while it runs: input, and the size of its terminal. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { ProcessService, ResizeTerminalRequest } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { TerminalSize } from "../../../engine/api/spec.ts";
import { requestContext } from "../../caller.ts";
import { terminalFromProto } from "../../convert/spec.ts";
import { checked, type Field } from "../../edge/field.ts";
import { processRef, saturate } from "../../edge/rules.ts";
import type { ServiceDependencies } from "../dependencies.ts";

type Methods = Pick<ServiceImpl<typeof ProcessService>, "writeInput" | "resizeTerminal">;

export const maxInputBytes = 1024 * 1024;

export function input({ engine }: ServiceDependencies): Methods {
  return {
    async writeInput(request, handlerContext) {
      const { ref, context } = checked((root) => {
        if (request.data.length > maxInputBytes) {
          root.child("data").refuse(`must not be longer than ${maxInputBytes} bytes, is ${request.data.length}`);
        }
        return {
          ref: processRef(request.process, root.child("process")),
          context: requestContext({ precondition: request.precondition }, handlerContext, root),
        };
      });
      const written = {
        data: request.data,
        close: request.close,
        inputOffset: request.inputOffset === undefined ? null : saturate(request.inputOffset),
      };
      return { inputOffset: BigInt(await engine.writeInput(ref, written, context, handlerContext.signal)) };
    },

    async resizeTerminal(request, handlerContext) {
      const { ref, size, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        size: requiredSize(request.size, root.child("size")),
        context: requestContext({ precondition: request.precondition }, handlerContext, root),
      }));
      await engine.resizeTerminal(ref, size, context);
      return {};
    },
  };
}

function requiredSize(size: ResizeTerminalRequest["size"], at: Field): TerminalSize {
  if (size === undefined) {
    at.refuse("is required");
    return { rows: 1, columns: 1 };
  }
  return terminalFromProto(size, at);
}
