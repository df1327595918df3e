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
	int64_t lazy_at; /* monotonic ms: not earlier, what was posted lazily */
	uint32_t lazy;   /* kinds */
};

/* Adds kinds to what is pending and tries to send it. */
void events_post(struct events *events, uint32_t kinds);

/* As events_post, but at most once in 20 ms: for what a process causes at will. */
void events_post_lazily(struct events *events, uint32_t kinds);

/* Monotonic ms at which events_flush is due; INT64_MAX: nothing is pending. */
int64_t events_due(const struct events *events);

/* Sends what is due and pending; kept when the FIFO is full, dropped when nobody reads. */
void events_flush(struct events *events);

#endif
