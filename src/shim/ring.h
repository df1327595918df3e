/* The output ring: where a process's output and its shim's account of it live. */
#ifndef PM_RING_H
#define PM_RING_H

#include "protocol.h"

#include <stdbool.h>
#include <sys/types.h>

struct ring {
	int fd;
	struct pm_ring *header;
	struct pm_entry *index;
	uint8_t *data;
	uint64_t data_allocated;
	uint64_t index_allocated; /* entries */
	uint64_t read_most;
	uint8_t *bounce; /* NULL: the kernel writes into the ring itself */
};

/* Makes the file "ring" and maps it, unpublished. 0 or an errno: EEXIST if
 * another shim has this run; after any other error no file is left. */
int ring_create(struct ring *ring, uint64_t output_limit);

/* Sets the magic: from now on readers believe the header. */
void ring_publish(struct ring *ring);

/* Header fields change only between these two. */
void ring_begin(struct ring *ring);
void ring_end(struct ring *ring);

/* One read(2) from fd straight into the ring; its result and errno. EBUSY: the
 * ring is full of what the holder has not taken. */
ssize_t ring_read(struct ring *ring, int fd, enum pm_stream stream);

/* Large reads follow each other: from now on reads may take another way into the
 * ring, until it is quiet. */
void ring_flood(struct ring *ring);
void ring_quiet(struct ring *ring);

/* Holds everything from `offset` on for `milliseconds`; 0 ends the hold. 0 or
 * EINVAL for an offset beyond the end. What is no longer kept is not held. */
int ring_hold(struct ring *ring, uint64_t offset, uint32_t milliseconds);

/* Whether a hold leaves no room to read into. Ends a hold that is over. */
bool ring_is_full(struct ring *ring);

/* Milliseconds until the hold ends by itself; -1: there is none. */
int64_t ring_hold_left_ms(const struct ring *ring);

/* Whether the daemon waits for output that has come; asks once. */
bool ring_take_want(struct ring *ring);

#endif
