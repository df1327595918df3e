/* The shim's end of the events FIFO. */
#ifndef PM_EVENTS_H
#define PM_EVENTS_H

#include "protocol.h"

#include <stdint.h>

struct events {
	int fd;
	struct pm_event pending; /* kinds 0: nothing */
	int64_t retry_at;        /* monotonic ms, while something is pending */
	int delay;
};

/* Adds kinds to what is pending and tries to send it. */
void events_post(struct events *events, uint32_t kinds);

/* Sends what is pending; kept when the FIFO is full, dropped when nobody reads. */
void events_flush(struct events *events);

#endif
