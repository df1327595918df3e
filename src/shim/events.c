#include "events.h"

#include "util.h"

#include <errno.h>
#include <unistd.h>

#define FIRST_DELAY_MS 5
#define LAST_DELAY_MS 320

void events_flush(struct events *events)
{
	if (events->pending.kinds == 0)
		return;
	ssize_t n;
	do
		n = write(events->fd, &events->pending, sizeof events->pending);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		events->delay = events->delay == 0 ? FIRST_DELAY_MS : events->delay * 2;
		if (events->delay > LAST_DELAY_MS)
			events->delay = LAST_DELAY_MS;
		events->retry_at = monotonic_ms() + events->delay;
		return;
	}
	events->pending.kinds = 0;
	events->delay = 0;
}

void events_post(struct events *events, uint32_t kinds)
{
	events->pending.kinds |= kinds;
	/* A full FIFO is retried by the clock, not by every new event. */
	if (events->delay == 0)
		events_flush(events);
}
