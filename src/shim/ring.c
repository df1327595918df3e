#include "ring.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define READ_LEAST 65536u
#define READ_MOST (256u * 1024u)
#define GROW_MOST (1024u * 1024u)
#define INDEX_LEAST 256u
#define INDEX_MOST (1024u * 1024u)
#define ENTRIES_PER_PAGE (PM_PAGE / sizeof(struct pm_entry))
#define EXTEND_MICROS 1000u

static int allocate(int fd, uint64_t offset, uint64_t length)
{
	while (fallocate(fd, 0, (off_t)offset, (off_t)length) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static uint64_t round_page(uint64_t n) { return (n + PM_PAGE - 1) / PM_PAGE * PM_PAGE; }

int ring_create(struct ring *ring, uint64_t output_limit)
{
	/* A whole read more than the limit: it may be about to be overwritten. Large
	 * reads cost a small ring more than they gain. */
	ring->read_most = min_u64(max_u64(round_page(output_limit / 4), READ_LEAST), READ_MOST);
	uint64_t data_size = round_page(output_limit) + ring->read_most;
	uint64_t index_bytes =
		round_page(min_u64(max_u64(output_limit / 64, INDEX_LEAST), INDEX_MOST) * sizeof(struct pm_entry));
	uint64_t data_offset = PM_PAGE + index_bytes;
	uint64_t size = data_offset + data_size;

	int fd = open("ring", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	int error = ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
	if (error == 0)
		error = allocate(fd, 0, 2 * PM_PAGE);
	if (error == 0)
		error = allocate(fd, data_offset, PM_PAGE);
	uint8_t *map = MAP_FAILED;
	if (error == 0) {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			error = errno;
	}
	if (error != 0) {
		unlink("ring");
		close(fd);
		return error;
	}
	ring->fd = fd;
	ring->header = (struct pm_ring *)map;
	ring->index = (struct pm_entry *)(map + PM_PAGE);
	ring->data = map + data_offset;
	ring->data_allocated = PM_PAGE;
	ring->index_allocated = ENTRIES_PER_PAGE;
	ring->header->version = PM_PROTOCOL_VERSION;
	ring->header->data_offset = data_offset;
	ring->header->data_size = data_size;
	ring->header->index_offset = PM_PAGE;
	ring->header->index_size = index_bytes / sizeof(struct pm_entry);
	return 0;
}

void ring_publish(struct ring *ring)
{
	atomic_store_explicit((_Atomic uint64_t *)&ring->header->magic, PM_RING_MAGIC, memory_order_release);
}

void ring_begin(struct ring *ring)
{
	atomic_store_explicit((_Atomic uint32_t *)&ring->header->seq, ring->header->seq + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void ring_end(struct ring *ring)
{
	atomic_store_explicit((_Atomic uint32_t *)&ring->header->seq, ring->header->seq + 1, memory_order_release);
}

/* Makes room at the end of what is allocated, or makes that the whole ring.
 * Called before the first wrap only, so every byte kept stays where it is. */
static void grow_data(struct ring *ring)
{
	struct pm_ring *h = ring->header;
	uint64_t step = min_u64(max_u64(ring->data_allocated, PM_PAGE), GROW_MOST);
	step = min_u64(step, h->data_size - ring->data_allocated);
	uint64_t at = h->data_offset + ring->data_allocated;
	if (allocate(ring->fd, at, step) != 0) {
		step = PM_PAGE;
		if (allocate(ring->fd, at, step) != 0) {
			ring_begin(ring);
			h->data_size = ring->data_allocated;
			h->flags |= PM_RING_SHRUNK;
			ring_end(ring);
			return;
		}
	}
	ring->data_allocated += step;
}

static void grow_index(struct ring *ring)
{
	struct pm_ring *h = ring->header;
	uint64_t at = h->index_offset + ring->index_allocated * sizeof(struct pm_entry);
	if (allocate(ring->fd, at, PM_PAGE) == 0) {
		ring->index_allocated += ENTRIES_PER_PAGE;
		return;
	}
	ring_begin(ring);
	h->index_size = ring->index_allocated;
	h->flags |= PM_RING_SHRUNK;
	ring_end(ring);
}

/* ---- holding back ---------------------------------------------------- */

static uint64_t entry_offset(const struct ring *ring, uint64_t entry)
{
	return ring->index[entry % ring->header->index_size].offset;
}

/* The offset of the oldest byte that is kept. */
static uint64_t first_kept(const struct ring *ring)
{
	const struct pm_ring *h = ring->header;
	uint64_t first = h->reserve > h->data_size ? h->reserve - h->data_size : 0;
	if (h->entry_count > h->index_size)
		first = max_u64(first, entry_offset(ring, h->entry_count - h->index_size));
	return first;
}

/* How many bytes may be read before one that is held would be dropped. */
static uint64_t room_beside_hold(const struct ring *ring)
{
	const struct pm_ring *h = ring->header;
	/* A new entry drops the oldest one. */
	if (h->entry_count >= h->index_size && entry_offset(ring, h->entry_count + 1 - h->index_size) > h->hold_offset)
		return 0;
	return h->hold_offset + h->data_size - h->written;
}

static uint64_t read_most(const struct ring *ring) { return min_u64(ring->read_most, ring->header->data_size / 2); }

int ring_hold(struct ring *ring, uint64_t offset, uint32_t milliseconds)
{
	struct pm_ring *h = ring->header;
	if (offset > h->written)
		return EINVAL;
	ring_begin(ring);
	h->hold_offset = max_u64(offset, min_u64(first_kept(ring), h->written));
	h->hold_deadline = milliseconds == 0 ? 0 : boot_ns() + milliseconds * UINT64_C(1000000);
	ring_end(ring);
	return 0;
}

bool ring_is_full(struct ring *ring)
{
	struct pm_ring *h = ring->header;
	if (h->hold_deadline == 0)
		return false;
	if (boot_ns() >= h->hold_deadline) {
		ring_begin(ring);
		h->hold_deadline = 0;
		ring_end(ring);
		return false;
	}
	/* Not for every byte that the holder takes: reads would become as small. */
	return room_beside_hold(ring) < max_u64(read_most(ring) / 8, 1);
}

int64_t ring_hold_left_ms(const struct ring *ring)
{
	uint64_t deadline = ring->header->hold_deadline;
	if (deadline == 0)
		return -1;
	uint64_t now = boot_ns();
	return deadline > now ? (int64_t)((deadline - now + 999999) / 1000000) : 0;
}

/* ---- reading --------------------------------------------------------- */

/* A ring that does not fit into the cache is cold wherever it is written: a
 * store there first reads the memory that it replaces. Past the cache it does
 * not. CPU time of a plain reader with a 1 MiB pipe, as a part of ours, 4 GB in
 * 64 KiB writes into 64 MiB, interleaved on a busy 2-core machine: 0.39 when the
 * kernel writes into the ring, 0.66 so. Elsewhere than on x86 unmeasured. */
#ifdef __x86_64__
#define COLD_RING (4u * 1024u * 1024u)

static void stream_copy(uint8_t *to, const uint8_t *from, size_t length)
{
	size_t head = min_u64(-(uintptr_t)to & 15, length);
	memcpy(to, from, head);
	size_t at = head;
	for (; at + 64 <= length; at += 64) {
		__m128i a = _mm_loadu_si128((const __m128i *)(from + at));
		__m128i b = _mm_loadu_si128((const __m128i *)(from + at + 16));
		__m128i c = _mm_loadu_si128((const __m128i *)(from + at + 32));
		__m128i d = _mm_loadu_si128((const __m128i *)(from + at + 48));
		_mm_stream_si128((__m128i *)(to + at), a);
		_mm_stream_si128((__m128i *)(to + at + 16), b);
		_mm_stream_si128((__m128i *)(to + at + 32), c);
		_mm_stream_si128((__m128i *)(to + at + 48), d);
	}
	memcpy(to + at, from + at, length - at);
	/* Streaming stores are not ordered: before `written` says that they are there. */
	_mm_sfence();
}

void ring_flood(struct ring *ring)
{
	if (ring->bounce != NULL || ring->header->data_size < COLD_RING)
		return;
	void *map = mmap(NULL, ring->read_most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map != MAP_FAILED)
		ring->bounce = map;
}

void ring_quiet(struct ring *ring)
{
	if (ring->bounce != NULL)
		munmap(ring->bounce, ring->read_most);
	ring->bounce = NULL;
}
#else
static void stream_copy(uint8_t *to, const uint8_t *from, size_t length) { memcpy(to, from, length); }
void ring_flood(struct ring *ring) { (void)ring; }
void ring_quiet(struct ring *ring) { (void)ring; }
#endif

ssize_t ring_read(struct ring *ring, int fd, enum pm_stream stream)
{
	struct pm_ring *h = ring->header;
	if (h->written == ring->data_allocated && h->written < h->data_size)
		grow_data(ring);
	/* Before the hold is looked at: a failure shrinks the index. */
	if (h->entry_count == ring->index_allocated && h->entry_count < h->index_size)
		grow_index(ring);
	uint64_t position = h->written % h->data_size;
	uint64_t room = min_u64(read_most(ring), ring->data_allocated - position);
	if (h->hold_deadline != 0) {
		if (ring_is_full(ring)) {
			errno = EBUSY;
			return -1;
		}
		if (h->hold_deadline != 0)
			room = min_u64(room, room_beside_hold(ring));
	}

	if (h->written + room > h->reserve) {
		ring_begin(ring);
		h->reserve = h->written + room;
		ring_end(ring);
		/* Before the kernel overwrites: a full barrier, since it is not our store. */
		atomic_thread_fence(memory_order_seq_cst);
	}
	uint8_t *place = ring->data + position;
	ssize_t n = read(fd, ring->bounce != NULL ? ring->bounce : place, room);
	if (n <= 0)
		return n;
	if (ring->bounce != NULL)
		stream_copy(place, ring->bounce, (size_t)n);

	uint64_t micros = now_ns() / 1000;
	bool extend = false;
	if (h->entry_count > 0) {
		uint64_t last = ring->index[(h->entry_count - 1) % h->index_size].time_stream;
		extend = (last & 3) == stream && micros - (last >> 2) < EXTEND_MICROS;
	}
	ring_begin(ring);
	if (!extend) {
		struct pm_entry *entry = &ring->index[h->entry_count % h->index_size];
		entry->offset = h->written;
		entry->time_stream = micros << 2 | stream;
		h->entry_count++;
	}
	h->written += (uint64_t)n;
	*(stream == PM_STREAM_STDERR ? &h->stderr_bytes : &h->stdout_bytes) += (uint64_t)n;
	ring_end(ring);
	return n;
}

bool ring_take_want(struct ring *ring)
{
	_Atomic uint32_t *want = (_Atomic uint32_t *)&ring->header->want;
	/* Pairs with the daemon, which sets `want` and then reads `written`. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(want, memory_order_relaxed) == 0)
		return false;
	atomic_store_explicit(want, 0, memory_order_seq_cst);
	return true;
}
