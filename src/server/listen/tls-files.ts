/** The TCP listener's certificate, key and client authority, read from files and checked before they are used. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { readPrivateFile } from "../../files/read-private-file.ts";
import { refuseWritable } from "../../files/refuse-writable.ts";
import { describeCertificates } from "../../pki/describe.ts";
import { Reloadable, type ReloadLog } from "../reload/reloadable.ts";

/** Where they are; absolute paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, followed by intermediate ones if there are any. */
  readonly certificate: string;
  /** Its key, not encrypted; nobody but its owner may read it. */
  readonly key: string;
  /** The authorities whose client certificates are accepted. */
  readonly clientAuthority: string;
}

/** What the files hold, PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string;
}

/** The files cannot be used; the message names the file. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
}

/**
 * Opens the files, and reads them again when they change.
 *
 * @throws TlsFilesError, UnsafeFileError or the system's error
 */
export function openTlsFiles(
  files: TlsFiles,
  log: ReloadLog,
  apply: (material: TlsMaterial) => void,
): Promise<Reloadable<TlsMaterial>> {
  return Reloadable.open({
    what: "TLS files",
    files: [files.certificate, files.key, files.clientAuthority],
    log,
    load: () => loadTlsFiles(files),
    apply,
  });
}

/** Reads and checks the files once. */
export async function loadTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  // Whoever can replace the authority decides who gets in.
  for (const path of [files.certificate, files.clientAuthority]) {
    refuseWritable(path);
  }
  const [certificate, key, clientAuthority] = await Promise.all([
    readFile(files.certificate, "utf8"),
    readPrivateFile(files.key),
    readFile(files.clientAuthority, "utf8"),
  ]);
  certificatesOf(files.certificate, certificate);
  for (const authority of certificatesOf(files.clientAuthority, clientAuthority)) {
    if (!authority.authority) {
      throw new TlsFilesError(`${files.clientAuthority}: the certificate of ${authority.subject} is no authority's`);
    }
  }
  let matches: boolean;
  try {
    matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    // OpenSSL's own words could repeat parts of the file.
    throw new TlsFilesError(`${files.key}: not an unencrypted private key in PEM form`);
  }
  if (!matches) {
    throw new TlsFilesError(`${files.key}: not the key of the certificate in ${files.certificate}`);
  }
  try {
    createSecureContext({ cert: certificate, key, ca: clientAuthority });
  } catch (error) {
    throw new TlsFilesError(`${files.certificate}: ${(error as Error).message}`);
  }
  return { certificate, key, clientAuthority };
}

function certificatesOf(path: string, pem: string) {
  try {
    return describeCertificates(pem);
  } catch (error) {
    throw new TlsFilesError(`${path}: ${(error as Error).message}`);
  }
}
