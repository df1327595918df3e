/** Changes to the contexts file. */
import { rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { editPrivateFile, makePrivateDirectory, replaceFile } from "../files/private-file.ts";
import {
  type Context,
  type Contexts,
  contextsPath,
  formatContexts,
  isContextName,
  localContext,
  parseContexts,
} from "../sdk/context/contexts.ts";
import { AdminError } from "./errors.ts";

/** A context to add; a password goes into a file of its own. */
export interface NewContext extends Omit<Context, "passwordFile"> {
  readonly password?: string;
}

/** @throws AdminError `usage` or `conflict` */
export async function addContext(
  name: string,
  context: NewContext,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  if (!isContextName(name)) {
    throw new AdminError(
      "usage",
      `"${name}" cannot be the name of a context`,
      `a name is 1 to 64 letters, digits, '.', '_' or '-', and not "${localContext}", which is the daemon of this machine`,
    );
  }
  const path = contextsPath(env);
  const { password, ...rest } = context;
  makePrivateDirectory(dirname(path));
  await edit(path, async (contexts) => {
    if (Object.hasOwn(contexts.contexts, name)) {
      throw new AdminError("conflict", `there is a context "${name}" already`, `'pm context rm ${name}' removes it`);
    }
    let entry: Context = rest;
    if (password !== undefined) {
      // Before the context that names it. A left-over of a context that is gone is replaced.
      await replaceFile(passwordPath(path, name), `${password}\n`);
      entry = { ...rest, passwordFile: passwordName(name) };
    }
    return { ...contexts, contexts: { ...contexts.contexts, [name]: entry } };
  });
}

/** Makes a context the current one; "default" makes it the local daemon. */
export async function setCurrentContext(name: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = contextsPath(env);
  makePrivateDirectory(dirname(path));
  await edit(path, ({ contexts }) => {
    if (name === localContext) {
      return { contexts };
    }
    mustExist(contexts, name);
    return { current: name, contexts };
  });
}

/** Removes a context, and the password that was kept for it; certificates and keys stay. */
export async function removeContext(name: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = contextsPath(env);
  let removed: Context | undefined;
  makePrivateDirectory(dirname(path));
  await edit(path, ({ current, contexts }) => {
    mustExist(contexts, name);
    const { [name]: gone, ...others } = contexts;
    removed = gone;
    return { contexts: others, ...(current !== undefined && current !== name && { current }) };
  });
  if (removed?.passwordFile === passwordName(name)) {
    await rm(resolve(dirname(path), removed.passwordFile), { force: true });
  }
}

/** Where the password of a context is kept. */
export function passwordPath(path: string, name: string): string {
  return join(dirname(path), passwordName(name));
}

function passwordName(name: string): string {
  return `${name}.password`;
}

async function edit(path: string, change: (contexts: Contexts) => Contexts | Promise<Contexts>): Promise<void> {
  await editPrivateFile(path, async (text) => formatContexts(await change(parseContexts(text, path))));
}

function mustExist(contexts: Contexts["contexts"], name: string): void {
  if (!Object.hasOwn(contexts, name)) {
    const known = Object.keys(contexts);
    throw new AdminError(
      "notFound",
      `there is no context "${name}"`,
      known.length === 0 ? "there are none yet: 'pm context add' adds one" : `there are: ${known.join(", ")}`,
    );
  }
}
