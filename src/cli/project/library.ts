/** What commands use of project files. */
export { type LoadedProject, loadProject, readFiles } from "../../project/load.ts";
export { writePmYaml } from "../../project/write-yaml.ts";
export { formatProblem, ProjectFileError } from "../../project/yaml/tree.ts";
