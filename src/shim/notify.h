/* The notify socket: what a process says of itself, as sd_notify(3) has it. */
#ifndef PM_NOTIFY_H
#define PM_NOTIFY_H

#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What some messages said, the last word of each kind. */
struct notice {
	uint32_t flags; /* enum pm_notify_flags that were set */
	bool said;      /* anything at all */
	bool alive;     /* WATCHDOG=1 */
	bool has_watchdog_usec;
	bool has_status;
	uint64_t watchdog_usec;
	char status[PM_STATUS_SIZE];
};

/* Makes and binds the socket "notify"; how many messages it can hold. 0 or an errno. */
int notify_open(int *fd, size_t *room);

/* Takes what has come, at most `most` messages, and believes those from `main`
 * (0: none) or any other descendant of this process; how many came. */
size_t notify_take(int fd, pid_t main, size_t most, struct notice *notice);

#endif
