#include "events.h"

#include "util.h"

#include <errno.h>
#include <unistd.h>

#define FIRST_DELAY_MS 5
#define LAST_DELAY_MS 320
#define LAZY_DELAY_MS 20

static void send_pending(struct events *events)
{
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

void events_flush(struct events *events)
{
	int64_t now = monotonic_ms();
	if (events->lazy != 0 && now >= events->lazy_at) {
		events->pending.kinds |= events->lazy;
		events->lazy = 0;
		events->lazy_at = now + LAZY_DELAY_MS;
	}
	/* A full FIFO is retried by the clock, not by every new event. */
	if (events->pending.kinds != 0 && (events->delay == 0 || now >= events->retry_at))
		send_pending(events);
}

void events_post(struct events *events, uint32_t kinds)
{
	/* What waits goes along. */
	events->pending.kinds |= kinds | events->lazy;
	events->lazy = 0;
	if (events->delay == 0)
		send_pending(events);
}

void events_post_lazily(struct events *events, uint32_t kinds)
{
	events->lazy |= kinds;
	events_flush(events);
}

int64_t events_due(const struct events *events)
{
	int64_t at = INT64_MAX;
	if (events->pending.kinds != 0)
		at = events->retry_at;
	if (events->lazy != 0 && events->lazy_at < at)
		at = events->lazy_at;
	return at;
}
