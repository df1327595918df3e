/*
 * What the launcher and the command host (src/host) say to each other over
 * cli.sock. Numbers are in the machine's byte order: both ends are on it.
 *
 * 1. The host sends a greeting: HOST_MAGIC, then the build id of its code
 *    (HOST_ID_BYTES, hexadecimal). Whoever has another build id hangs up.
 * 2. The launcher sends one request: u32 length of what follows, then
 *      u32 umask, i32 nice, u32 terminals (bit n: descriptor n is one),
 *      u16 rows, u16 columns of the terminal on descriptor 1 (0: unknown),
 *      HOST_RLIMITS times u64 soft, u64 hard (getrlimit(2), by number),
 *      working directory, as a string; HOST_GONE instead of its length if
 *      it no longer exists,
 *      u32 count of arguments, each a string,
 *      u32 count of variables, each a string "KEY=VALUE".
 *    A string is u32 length and bytes, without a zero at the end.
 * 3. The host sends frames: u8 type, u32 length, bytes.
 *      'o', 'e'  to standard output, to standard error
 *      'r'       to be remembered: if the command is broken off and run again, it
 *                is told so by PM_REMEMBERED. At most HOST_REMEMBERED bytes; a
 *                later one counts
 *      'x'       the exit code (u32); the last frame
 *      'd'       declined, nothing was done; the last frame
 * The launcher sends nothing more. When it hangs up the command is aborted.
 */
#ifndef PM_LAUNCHER_PROTOCOL_H
#define PM_LAUNCHER_PROTOCOL_H

#define HOST_MAGIC "pm-host1"
#define HOST_MAGIC_BYTES 8
#define HOST_ID_BYTES 40
#define HOST_RLIMITS 16
#define HOST_GONE 0xffffffffu
#define HOST_FRAME_HEADER 5
#define HOST_REMEMBERED 127
/* A longer request is refused. The kernel takes some 6 MiB of arguments and environment (execve(2)). */
#define HOST_MAX_REQUEST (16u << 20)

#endif
