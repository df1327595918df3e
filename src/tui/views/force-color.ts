/**
 * Ink colors with chalk, which decides once, when it is loaded, by looking at
 * the process's own output. What Ink draws is read back into cells here, so it
 * must always color; whether colors reach the terminal is decided there.
 * Import this before anything that imports Ink.
 */
process.env["FORCE_COLOR"] = "1";
