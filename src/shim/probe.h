/* A probe: a command that is run to see how a process fares. */
#ifndef PM_PROBE_H
#define PM_PROBE_H

#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In memory that is shared with the zygote, which reads it after the end. */
struct probe_result {
	bool complete;
	int32_t error; /* as in struct pm_reply, as are all below */
	uint32_t step;
	int32_t wait_status;
	uint32_t flags;
	uint32_t length;
	uint8_t output[PM_PROBE_OUTPUT_MOST];
};

/* Runs the probe of a request to its end, in a process of its own: a child of
 * `parent`, the zygote, after whose death it kills the command. The exit status. */
int probe_run(const struct pm_request *request, struct probe_result *result, pid_t parent);

#endif
