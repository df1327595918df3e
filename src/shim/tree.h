/* A shim's descendants. The shim is a subreaper, so none can leave. */
#ifndef PM_TREE_H
#define PM_TREE_H

#include <sys/types.h>

/* Signals every descendant once; 0, or ESRCH if there was none. */
int tree_signal(int signal_number);

/* The same for the descendants in a process group. */
int tree_signal_group(pid_t group, int signal_number);

/* One pass of SIGKILL over all descendants. */
void tree_kill_pass(void);

#endif
