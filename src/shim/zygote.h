/* The process that forks shims and sees them end. */
#ifndef PM_ZYGOTE_H
#define PM_ZYGOTE_H

/* Serves until end of file on standard input; the exit status. `open_files` is
 * the soft limit of open files that processes get; NULL: ours. */
int zygote_run(const char *open_files);

#endif
