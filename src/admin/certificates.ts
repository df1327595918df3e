/** The certificates that this machine's daemon and contexts use. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type CertificateDescription, describeCertificates } from "../pki/describe.ts";
import { contextsPath, readContexts } from "../sdk/context/contexts.ts";
import { configuredFile } from "./paths.ts";

export interface ListedCertificate {
  /** Who uses it, and as what: "daemon: server", "context dev: client". */
  readonly use: string;
  readonly file: string;
  /** Undefined: it cannot be read, for the reason in `problem`. */
  readonly certificate?: CertificateDescription;
  readonly problem?: string;
}

/** Of the daemon's configuration and of all contexts; with `files`, of these instead. */
export function listCertificates(files: readonly string[], env: NodeJS.ProcessEnv = process.env): ListedCertificate[] {
  if (files.length > 0) {
    return files.flatMap((file) => describeFile("file", resolve(file)));
  }
  const server = configuredFile("tcp.certificate", env);
  const clientAuthority = configuredFile("tcp.clientAuthority", env);
  const path = contextsPath(env);
  const contexts = Object.entries(readContexts(path).contexts).flatMap(([name, { cert, ca }]) => [
    ...(cert === undefined ? [] : describeFile(`context ${name}: client`, resolve(dirname(path), cert))),
    ...(ca === undefined ? [] : describeFile(`context ${name}: authority`, resolve(dirname(path), ca))),
  ]);
  return [
    ...(server === undefined ? [] : describeFile("daemon: server", server)),
    ...(clientAuthority === undefined ? [] : describeFile("daemon: clients' authority", clientAuthority)),
    ...contexts,
  ];
}

function describeFile(use: string, file: string): ListedCertificate[] {
  try {
    return describeCertificates(readFileSync(file, "utf8")).map((certificate) => ({ use, file, certificate }));
  } catch (error) {
    return [{ use, file, problem: problemOf(error as NodeJS.ErrnoException) }];
  }
}

function problemOf({ code, message }: NodeJS.ErrnoException): string {
  return code === "ENOENT" ? "no such file" : code === undefined ? message : `cannot be read (${code})`;
}
