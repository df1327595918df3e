/** Every type of the engine's interface, for `server/rpc`, which translates the contract to it and back. */
export type * from "../errors.ts";
export type * from "./cause.ts";
export type * from "./control.ts";
export type * from "./engine.ts";
export type * from "./event.ts";
export type * from "./list.ts";
export type * from "./output.ts";
export type * from "./policy.ts";
export type * from "./process.ts";
export type * from "./run.ts";
export type * from "./spec.ts";
export type * from "./supervision.ts";
export type * from "./usage.ts";
export type * from "./watch.ts";
