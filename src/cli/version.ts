declare const __PM_VERSION__: string;

/** The release that this is, put in when it was built. */
export const version = __PM_VERSION__;
