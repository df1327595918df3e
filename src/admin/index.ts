/** What the command line does to files of this machine. Loaded only by the commands that do. */
export { type ListedCertificate, listCertificates } from "./certificates.ts";
export { addContext, removeContext, setCurrentContext } from "./contexts.ts";
export { AdminError } from "./errors.ts";
export { init } from "./init.ts";
export { usersPath } from "./paths.ts";
export { addUser, checkPassword, checkUser, listUsers, removeUser, setPassword } from "./users.ts";
export { toYaml } from "./yaml.ts";
