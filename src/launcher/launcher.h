#ifndef PM_LAUNCHER_H
#define PM_LAUNCHER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Exit codes of pm (src/cli/exit-code.ts). */
enum { EXIT_FAILED = 1, EXIT_UNREACHABLE = 4, EXIT_TIMEOUT = 6, EXIT_PM_FAILED = 125, EXIT_BROKEN_PIPE = 141 };

extern char **environ;

/* The value of a variable that is set and not empty, else NULL. */
const char *variable(const char *name);

/* Writes "pm: ", the text and a newline to standard error. */
void complain(const char *text);

/*
 * The exit code where pm itself fails: commands that exit as a process does
 * have one for it.
 *
 * args: the command line without the program, ends with NULL
 */
int failure_code(char *const args[]);

/* How a hosted command came out. */
enum outcome {
	HOST_DONE,     /* *code is its exit code */
	HOST_UNUSED,   /* nothing was done: there is no host, or it declined */
	HOST_LOST,     /* the host broke off before any output: what it did is unknown */
	HOST_SILENT,   /* as HOST_LOST, but that it does not respond any more */
	HOST_CUT_OFF,  /* it broke off after output */
};

/*
 * Has the command host run a command for this process, and relays its output.
 *
 * dist: the directory of this program's own files
 * args: ends with NULL
 */
enum outcome host_run(const char *dist, char *const args[], int *code);

enum { WRITTEN_TAIL = 4096, WRITTEN_TEXT = WRITTEN_TAIL + 32 };

/* Whether output can be moved to this descriptor: it is a pipe. */
bool can_splice(int to);

/*
 * Moves what comes next from a socket to a pipe, at most `most` bytes of what
 * has arrived, and waits until something has. Returns how many, 0 where nothing
 * comes any more, -1 with errno; EINVAL where the kernel cannot do that: then
 * nothing was moved.
 *
 * tail: the last bytes of what was moved, *tail_length of them
 */
ssize_t splice_output(int from, int to, size_t most, char tail[WRITTEN_TAIL], size_t *tail_length);

/*
 * What host_run has written to standard output, as PM_WRITTEN says it:
 * "BYTES:HASH", the hash of the last WRITTEN_TAIL, or "lines:TEXT" where that
 * is all, and each line is the result of something that is not done twice.
 */
void host_written(bool results, char text[WRITTEN_TEXT]);

/* What the host had to be remembered, empty: nothing. Valid until the next host_run. */
const char *host_remembered(void);

/* Becomes Node.js with the command line's program; on failure says why and returns the exit code. */
int node_exec(const char *dist, char *const args[]);

#endif
