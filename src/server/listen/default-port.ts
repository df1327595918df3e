/** The TCP port when none is given. */
export const defaultPort = 7443;
