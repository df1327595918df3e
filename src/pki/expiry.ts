/** From how many milliseconds before its end on a certificate expires soon: 30 days, time to make another. */
export const expiresSoonMs = 30 * 86_400_000;
