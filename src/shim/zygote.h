/* The process that forks shims and sees them end. */
#ifndef PM_ZYGOTE_H
#define PM_ZYGOTE_H

/* Serves until end of file on standard input; the exit status. */
int zygote_run(void);

#endif
