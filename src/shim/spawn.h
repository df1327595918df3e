/* From a shim to a running process. */
#ifndef PM_SPAWN_H
#define PM_SPAWN_H

#include "spec.h"

#include <stdbool.h>
#include <sys/types.h>

struct failure {
	enum pm_step step; /* 0: none */
	int error;
	uint32_t path; /* as pm_ring.fail_path */
};

/* Runs the spec with `fds` as its standard streams. Returns when execve(2) has
 * succeeded, with the pid and, in `start`, its proc_stat.start; or -1 with
 * `failure` told and the child reaped. */
pid_t spawn(const struct spec *spec, const int fds[3], struct failure *failure, uint64_t *start);

#endif
