/*
 * The protocol between the daemon and the shims. Everything here is mirrored in
 * src/server/engine/shim/; `pm-shim layout` prints the offsets so that a test
 * can hold the two against each other.
 *
 * All integers are little-endian and naturally aligned. All times are
 * nanoseconds since the Unix epoch (CLOCK_REALTIME); 0 means "not yet".
 *
 * Files, below the runtime directory:
 *
 *   zygote.lock               made and flock(2)ed by the zygote while it lives,
 *                             and by each shim until its ring is published
 *   events                    FIFO, shims -> daemon: struct pm_event. Made by the
 *                             zygote before it says PM_REPLY_READY
 *   p/<uuid>/<run>/spec       made by the daemon: struct pm_spec and its tail
 *   p/<uuid>/<run>/ring       made by the shim, first of all and exclusively:
 *                             struct pm_ring, index, data. It is published when
 *                             `magic` is set; until then it reads as zeros
 *   p/<uuid>/<run>/control    FIFO, daemon -> shim: struct pm_control. Made by the
 *                             shim. No reader (ENXIO on a non-blocking open)
 *                             means: no shim
 *   p/<uuid>/<run>/stdin      FIFO, daemon -> process, made by the shim; only with
 *                             PM_SPEC_STDIN or PM_SPEC_TTY. Unlinked by the shim
 *                             when it sets PM_RING_STDIN_CLOSED
 *
 * The zygote speaks on its standard streams: struct pm_request on 0, struct
 * pm_reply on 1. At end of file on 0 it exits; shims live on.
 */
#ifndef PM_PROTOCOL_H
#define PM_PROTOCOL_H

#include <stdint.h>

#define PM_PROTOCOL_VERSION 1u
#define PM_PAGE 4096u

/* ---- zygote ---------------------------------------------------------- */

enum pm_request_type {
	PM_REQUEST_START = 1, /* fork a shim for uuid/run; a run that has a ring already is left alone */
	PM_REQUEST_ADOPT = 2, /* report PM_REPLY_GONE for a shim of an earlier zygote */
};

struct pm_request {
	uint32_t type;
	uint32_t run;
	uint8_t uuid[16];
	uint64_t shim_start; /* ADOPT: pm_ring.shim_start, against reuse of the pid */
	uint32_t shim_pid;   /* ADOPT */
	uint32_t reserved;
};

enum pm_reply_type {
	PM_REPLY_READY = 1,  /* first message: the lock is held, no older zygote lives */
	PM_REPLY_FORKED = 2, /* pid is the shim's */
	PM_REPLY_FAILED = 3, /* no shim was forked; error says why */
	PM_REPLY_GONE = 4,   /* the shim has exited, having finished or not */
};

struct pm_reply {
	uint32_t type;
	uint32_t run;
	uint8_t uuid[16];
	uint32_t pid;
	/* PM_REPLY_FAILED: why no shim was forked, or why one could not be adopted.
	 * PM_REPLY_GONE: non-zero if the shim could not publish a ring. Else 0. */
	int32_t error;     /* errno */
	uint32_t step;     /* enum pm_step */
	uint32_t reserved;
};

/* A shim that could not publish its ring tells the zygote by its exit status:
 * errno, with this bit set for PM_STEP_OUTPUT and clear for PM_STEP_PREPARE. */
#define PM_EXIT_OUTPUT 0x80

/* ---- spec ------------------------------------------------------------ */

#define PM_SPEC_MAGIC 0x3143455053204d50ull /* "PM SPEC1" */

enum pm_spec_flags {
	PM_SPEC_STDIN = 1, /* standard input is the stdin FIFO, else /dev/null */
	PM_SPEC_TTY = 2,   /* a pseudo-terminal for all three streams */
};

struct pm_spec {
	uint64_t magic;
	uint32_t size; /* of the whole file */
	uint32_t flags;
	uint64_t output_limit; /* bytes of output to keep; a multiple of PM_PAGE, >= PM_PAGE */
	uint16_t rows;
	uint16_t columns;
	uint32_t rlimit_count;
	uint32_t path_count; /* >= 1: what execve(2) is tried with, in order, as execvp(3) would */
	uint32_t argument_count; /* >= 1, argv[0] included */
	uint32_t environment_count;
	uint32_t reserved;
	/* struct pm_rlimit[rlimit_count], then NUL-terminated strings:
	 * cwd, cgroup directory (empty: none), paths, arguments, environment "K=V" */
};

struct pm_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint32_t reserved;
	uint64_t soft; /* UINT64_MAX: unlimited */
	uint64_t hard;
};

/* ---- ring ------------------------------------------------------------ */

#define PM_RING_MAGIC 0x31474e4952204d50ull /* "PM RING1" */

enum pm_state {
	PM_STATE_STARTING = 1,
	PM_STATE_RUNNING = 2, /* execve(2) succeeded */
	PM_STATE_EXITED = 3,  /* the main process has ended */
	PM_STATE_FAILED = 4,  /* never executed: fail_step, fail_errno */
};

enum pm_ring_flags {
	PM_RING_OUTPUT_COMPLETE = 1, /* end of file on every output pipe, or PM_CONTROL_RELEASE */
	PM_RING_TREE_GONE = 2,       /* no descendant is left */
	PM_RING_DONE = 4,            /* the last word: the shim exits */
	PM_RING_STDIN_CLOSED = 8,    /* the shim let go of the stdin FIFO: PM_CONTROL_CLOSE_STDIN, or no reader is left */
	PM_RING_SHRUNK = 16,         /* tmpfs was full: data_size or index_size was reduced */
};

/* Numbered as in pm.v1.StartStep. */
enum pm_step {
	PM_STEP_PREPARE = 1,
	PM_STEP_SHIM = 2,
	PM_STEP_OUTPUT = 3,
	PM_STEP_PIPE = 4,
	PM_STEP_FORK = 5,
	PM_STEP_SESSION = 6,
	PM_STEP_CGROUP = 7,
	PM_STEP_LIMITS = 8,
	PM_STEP_CHDIR = 9,
	PM_STEP_STDIO = 10,
	PM_STEP_EXEC = 11,
};

enum pm_stream {
	PM_STREAM_STDOUT = 1,
	PM_STREAM_STDERR = 2,
	PM_STREAM_TTY = 3,
};

/*
 * The first page of a ring file. Only the shim writes it, but for `want`.
 *
 * Consistency: the shim makes `seq` odd, changes fields, makes it even; a
 * reader retries until it sees one even value before and after.
 *
 * Output byte o lies at data_offset + o % data_size. Entry e of the index lies
 * at index_offset + 16 * (e % index_size); entries [entry_count - index_size,
 * entry_count) that are >= 0 are kept. A byte is kept if it is at or after
 * reserve - data_size and at or after the offset of the oldest entry kept. The
 * shim publishes `reserve` before it lets the kernel overwrite, and `written`
 * after: a reader copies, reads the header again, and believes only what is
 * still kept.
 *
 * The shim allocates (fallocate(2)) data and index pages before it touches
 * them. When tmpfs is full it sets data_size (or index_size) to what is
 * allocated, which it does only before the first wrap, so that every byte kept
 * stays where it is.
 */
struct pm_ring {
	uint64_t magic;
	uint32_t version;
	uint32_t seq;
	uint32_t want; /* the daemon sets 1: send PM_EVENT_OUTPUT when `written` grows */
	uint32_t state;
	uint32_t flags;
	uint32_t run;
	uint8_t uuid[16];

	uint32_t shim_pid;
	uint32_t child_pid;
	uint64_t shim_start;  /* starttime of proc_pid_stat(5), clock ticks since boot */
	uint64_t child_start; /* the same of the main process */

	uint64_t reserve;
	uint64_t written;
	uint64_t data_offset;
	uint64_t data_size;
	uint64_t index_offset;
	uint64_t index_size;  /* entries */
	uint64_t entry_count; /* entries ever written */
	uint64_t stdout_bytes; /* standard output or terminal */
	uint64_t stderr_bytes;

	uint64_t started;  /* execve(2) succeeded */
	uint64_t exited;   /* the main process ended */
	uint64_t finished; /* output complete and tree gone */

	int32_t wait_status; /* of wait4(2) */
	uint32_t fail_step;
	int32_t fail_errno;
	uint32_t fail_path; /* PM_STEP_EXEC: index of the path that fail_errno is about;
	                       PM_STEP_LIMITS: index of the rlimit */
	uint64_t user_usec;
	uint64_t system_usec;
	uint64_t max_rss_kib;

	uint32_t control_seq;  /* the last control message carried out */
	int32_t control_errno; /* and its errno, 0 for success */
};

/* A run of bytes of one stream, up to the next entry's offset or `written`. A
 * later read of the same stream within a millisecond extends the entry. */
struct pm_entry {
	uint64_t offset;
	uint64_t time_stream; /* microseconds since the epoch << 2 | enum pm_stream */
};

/* ---- events and control ---------------------------------------------- */

enum pm_event_kind {
	PM_EVENT_STATE = 1,   /* state or flags changed */
	PM_EVENT_OUTPUT = 2,  /* `written` grew after `want` */
	PM_EVENT_CONTROL = 4, /* control_seq changed */
};

/* Hints; the ring is the truth. When the FIFO is full the shim keeps the kinds
 * and sends them later; when nobody reads it, it drops them. */
struct pm_event {
	uint8_t uuid[16];
	uint32_t run;
	uint32_t kinds;
};

enum pm_control_type {
	PM_CONTROL_SIGNAL = 1,      /* a: signal, b: enum pm_target */
	PM_CONTROL_KILL_TREE = 2,   /* SIGKILL every descendant until none is left; acknowledged at the first pass */
	PM_CONTROL_RESIZE = 3,      /* a: rows, b: columns */
	PM_CONTROL_CLOSE_STDIN = 4, /* with a terminal: send its end-of-file character */
	PM_CONTROL_RELEASE = 5,     /* the tree is gone (else EBUSY): do not wait for foreign writers, finish */
};

/* Numbered as in pm.v1.SignalTarget. */
enum pm_target {
	PM_TARGET_GROUP = 1, /* after the main process has ended: what is left of its group */
	PM_TARGET_MAIN = 2,
	PM_TARGET_TREE = 3,
};

struct pm_control {
	uint32_t type;
	uint32_t seq; /* chosen by the daemon, repeated in pm_ring.control_seq */
	uint32_t a;
	uint32_t b;
};

#endif
