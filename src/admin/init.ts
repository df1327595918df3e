/** Everything that a first remote daemon and its first client need, made at once; nothing is overwritten. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { configDirectory } from "../common/paths.ts";
import { createFile, makePrivateDirectory } from "../files/private-file.ts";
import { createAuthority, issueClientCertificate, issueServerCertificate } from "../pki/certificates.ts";
import { contextsPath, readContexts } from "../sdk/context/contexts.ts";
import { hashPassword } from "../server/auth/password-hash.ts";
import { isUserName, userNameRule } from "../server/auth/users-file.ts";
import { parseHostAndPort } from "../server/config/host-and-port.ts";
import { defaultPort } from "../server/listen/default-port.ts";
import { addContext, passwordPath } from "./contexts.ts";
import { AdminError } from "./errors.ts";
import { configPath } from "./paths.ts";

export interface InitOptions {
  /** Of the new context. */
  readonly context: string;
  readonly user: string;
  /** Where the daemon shall listen: HOST or HOST:PORT. */
  readonly listen: string;
  /** Further names and addresses under which clients reach the daemon. */
  readonly hosts: readonly string[];
}

export interface InitResult {
  /** Everything that was made, absolute paths. */
  readonly files: readonly string[];
  readonly configFile: string;
  readonly address: string;
  /** What the server's certificate is for. */
  readonly hosts: readonly string[];
}

/** The authority outlives what it signs; browsers and Apple accept at most 825 days of a server. */
const authorityDays = 3650;
const certificateDays = 397;

/** @throws AdminError `conflict` if anything that would be made is there already: then nothing is made */
export async function init(options: InitOptions, env: NodeJS.ProcessEnv = process.env): Promise<InitResult> {
  const place = parseHostAndPort(options.listen, defaultPort);
  if (place === undefined || place.port === 0) {
    throw new AdminError("usage", "the place to listen must be HOST, HOST:PORT or [IPV6]:PORT");
  }
  if (!isUserName(options.user)) {
    throw new AdminError("usage", `a user's name must be ${userNameRule}`);
  }
  const wrong = options.hosts.find((host) => parseHostAndPort(host, 1)?.host !== host);
  if (wrong !== undefined) {
    throw new AdminError("usage", `${JSON.stringify(wrong)} is neither a host's name nor an address`);
  }

  const directory = configDirectory(env);
  const configFile = configPath(env);
  const tls = join(directory, "tls");
  const paths = {
    authority: join(tls, "ca.crt"),
    authorityKey: join(tls, "ca.key"),
    server: join(tls, "server.crt"),
    serverKey: join(tls, "server.key"),
    client: join(tls, "client.crt"),
    clientKey: join(tls, "client.key"),
    users: join(directory, "users"),
    configFile,
  };
  const password = passwordPath(contextsPath(env), options.context);
  const taken = [...Object.values(paths), password].filter((path) => existsSync(path));
  if (Object.hasOwn(readContexts(contextsPath(env)).contexts, options.context)) {
    taken.push(`the context "${options.context}"`);
  }
  if (taken.length > 0) {
    throw new AdminError(
      "conflict",
      `there is already: ${taken.join(", ")}`,
      "nothing was changed; move it away, or choose another XDG_CONFIG_HOME",
    );
  }

  const isAnywhere = ["0.0.0.0", "::"].includes(place.host);
  const local = isAnywhere || ["localhost", "127.0.0.1", "::1"].includes(place.host);
  const hosts = [
    ...new Set(["localhost", "127.0.0.1", "::1", hostname(), ...(isAnywhere ? [] : [place.host]), ...options.hosts]),
  ];
  const authority = await createAuthority({ name: `pm development authority of ${hostname()}`, days: authorityDays });
  const server = await issueServerCertificate(authority, {
    name: hostname().slice(0, 64),
    days: certificateDays,
    hosts,
  });
  const client = await issueClientCertificate(authority, { name: options.user, days: certificateDays });
  const secret = randomBytes(24).toString("base64url");
  const listen = place.host.includes(":") ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
  const config = stringify({
    tcp: {
      listen,
      certificate: paths.server,
      key: paths.serverKey,
      clientAuthority: paths.authority,
      users: paths.users,
    },
  });

  const made: string[] = [];
  const make = async (path: string, content: string, mode = 0o600) => {
    await createFile(path, content, mode);
    made.push(path);
  };
  try {
    makePrivateDirectory(tls);
    await make(paths.authority, authority.certificate, 0o644);
    await make(paths.authorityKey, authority.key);
    await make(paths.server, server.certificate, 0o644);
    await make(paths.serverKey, server.key);
    await make(paths.client, client.certificate, 0o644);
    await make(paths.clientKey, client.key);
    await make(paths.users, `${options.user}:${await hashPassword(secret)}\n`);
    await make(paths.configFile, `# Made by 'pm init'. All settings: pm daemon run --help\n${config}`);
    const host = local ? "localhost" : place.host.includes(":") ? `[${place.host}]` : place.host;
    const address = `https://${host}:${place.port}`;
    await addContext(
      options.context,
      {
        address,
        ca: paths.authority,
        cert: paths.client,
        key: paths.clientKey,
        username: options.user,
        password: secret,
      },
      env,
    );
    return { files: [...made, contextsPath(env), password], configFile, address, hosts };
  } catch (error) {
    // All or nothing.
    await Promise.all(made.map((path) => rm(path, { force: true })));
    throw error;
  }
}
