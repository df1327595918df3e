/** What the generator of the reference stands on: a buf plugin that turns the contract into one file. */
import {
  create,
  createFileRegistry,
  type DescEnum,
  type DescMessage,
  type DescService,
  type FileRegistry,
} from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  Edition,
} from "@bufbuild/protobuf/wkt";
import { getComments, type Plugin } from "@bufbuild/protoplugin";

/** The part of the contract that is ours. */
export interface Contract {
  readonly services: readonly DescService[];
  readonly registry: FileRegistry;
}

/** A plugin that writes `fileName` into its output directory. */
export function referencePlugin(name: string, fileName: string, write: (contract: Contract) => string): Plugin {
  return {
    name,
    version: "1",
    run(request: CodeGeneratorRequest) {
      const registry = createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file: request.protoFile });
      const services = request.fileToGenerate
        .flatMap((path) => registry.getFile(path)?.services ?? [])
        // The processes first: they are what pm is for.
        .sort((a, b) => Number(b.name === "ProcessService") - Number(a.name === "ProcessService"));
      return create(CodeGeneratorResponseSchema, {
        supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
        minimumEdition: Edition.EDITION_PROTO3,
        maximumEdition: Edition.EDITION_2023,
        file: [{ name: fileName, content: write({ services, registry }) }],
      });
    },
  };
}

/** An element's comment as paragraphs: its lines joined, empty ones kept as breaks. */
export function comment(desc: Parameters<typeof getComments>[0]): string {
  const { leading = "", trailing = "" } = getComments(desc);
  return `${leading}${trailing}`
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .replace(/(?<=\S)\n(?=\S)/g, " ")
    .trim();
}

/** All messages and enums that these services use, in the order in which they are met. */
export function typesOf(services: readonly DescService[]): (DescMessage | DescEnum)[] {
  const found = new Set<DescMessage | DescEnum>();
  const visit = (type: DescMessage): void => {
    if (found.has(type) || !type.typeName.startsWith("pm.")) {
      return;
    }
    found.add(type);
    for (const field of type.fields) {
      const { message, enum: enumeration } = field;
      if (message !== undefined) {
        visit(message);
      }
      if (enumeration?.typeName.startsWith("pm.")) {
        found.add(enumeration);
      }
    }
  };
  for (const method of services.flatMap((service) => service.methods)) {
    visit(method.input);
    visit(method.output);
  }
  return [...found];
}
