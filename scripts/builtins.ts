/** Node.js's own modules, as a bundle loads them. */
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const require = createRequire(import.meta.url);

/**
 * Takes what is imported from a built-in module out of the module itself. Node.js makes an ES module of a built-in by
 * reading all that it exports, and some of that is loaded when it is read: with `node:http` comes `fetch`.
 *
 * The names are those of the Node.js that builds.
 */
export const builtins: Plugin = {
  name: "builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin", sideEffects: false } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const names = Object.keys(require(path) as object).filter((name) => /^[\w$]+$/.test(name) && name !== "default");
      const module = `/* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)})`;
      return {
        contents: [
          `const module = ${module};`,
          "const take = (name) => module[name];",
          ...names.map((name) => `const _${name} = /* @__PURE__ */ take("${name}");`),
          `export { module as default, ${names.map((name) => `_${name} as ${name}`).join(", ")} };`,
        ].join("\n"),
      };
    });
  },
};
