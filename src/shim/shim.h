/* The process that owns one run of one process. */
#ifndef PM_SHIM_H
#define PM_SHIM_H

#include "protocol.h"

/* Runs a request to its end; returns the exit status, see PM_EXIT_OUTPUT. The
 * current directory is the runtime directory. `before_fork`: boot_ns(), just
 * then. Takes over both descriptors. */
int shim_run(const struct pm_request *request, uint64_t before_fork, int events_fd, int lock_fd);

#endif
