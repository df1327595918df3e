/** Imported before whatever makes headers when it is loaded. */
import { LightHeaders } from "./light-headers.ts";

Object.assign(globalThis, { Headers: LightHeaders });
