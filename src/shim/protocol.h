/*
 * The protocol between the daemon and the shims. Everything here is mirrored in
 * src/server/engine/shim/; `pm-shim layout` prints the offsets so that a test
 * can hold the two against each other.
 *
 * All integers are little-endian and naturally aligned. Times are nanoseconds:
 * of CLOCK_REALTIME since the Unix epoch, or, where the name ends in _boot, of
 * CLOCK_BOOTTIME, which is never stepped; 0 means "not yet".
 *
 * Files, below the runtime directory:
 *
 *   zygote.lock               made and flock(2)ed by the zygote while it lives,
 *                             and by each shim until its ring is published
 *   events                    FIFO, shims -> daemon: struct pm_event. Made by the
 *                             zygote before it says PM_REPLY_READY
 *   probes/<uuid>             made and removed by the daemon: the spec of a probe
 *   p/<uuid>/<run>/spec       made by the daemon: struct pm_spec and its tail
 *   p/<uuid>/<run>/ring       made by the shim, first of all and exclusively:
 *                             struct pm_ring, index, data. It is published when
 *                             `magic` is set; until then it reads as zeros
 *   p/<uuid>/<run>/control    FIFO, daemon -> shim: struct pm_control. Made by the
 *                             shim. No reader (ENXIO on a non-blocking open)
 *                             means: no shim
 *   p/<uuid>/<run>/stdin      FIFO, daemon -> shim, which passes it on to the
 *                             process and counts it; made by the shim, only with
 *                             PM_SPEC_STDIN or PM_SPEC_TTY. Unlinked by the shim
 *                             when it sets PM_RING_STDIN_CLOSED
 *   p/<uuid>/<run>/notify     datagram socket, process -> shim, made by the shim;
 *                             only with PM_SPEC_NOTIFY. Unlinked by the shim when
 *                             it sets PM_RING_DONE
 *
 * The zygote speaks on its standard streams: struct pm_request on 0, struct
 * pm_reply on 1. At end of file on 0 it exits; shims live on, probes are killed.
 *
 * Each part may be stopped (SIGSTOP) and continued at any moment: messages wait
 * in their FIFOs, requests in the zygote's standard input. What the daemon no
 * longer wants done then, it says beforehand: pm_control.expires. What it sends
 * twice is done once: a control message with the `seq` of the last one carried
 * out, or of the one under way, is not carried out again; a run that has a ring
 * is not started again.
 *
 * Versions: PM_PROTOCOL_VERSION stands in ring and spec and grows with every
 * change of a format. A reader compares it before it believes anything else.
 * The fields of struct pm_ring up to child_start keep their places in every
 * version, so that the processes of a ring of another version can be listed
 * and killed.
 */
#ifndef PM_PROTOCOL_H
#define PM_PROTOCOL_H

#include <stdint.h>

#define PM_PROTOCOL_VERSION 2u
#define PM_PAGE 4096u

/* ---- zygote ---------------------------------------------------------- */

enum pm_request_type {
	PM_REQUEST_START = 1,  /* fork a shim for uuid/run; a run that has a ring already is left alone */
	PM_REQUEST_ADOPT = 2,  /* report PM_REPLY_GONE for a shim of an earlier zygote */
	PM_REQUEST_PROBE = 3,  /* run the spec probes/<uuid>, answer PM_REPLY_PROBED */
	PM_REQUEST_CANCEL = 4, /* kill the probe uuid; it is answered with PM_PROBE_CANCELED */
};

struct pm_request {
	uint32_t type;
	uint32_t run;
	uint8_t uuid[16];
	uint64_t shim_start; /* ADOPT: pm_ring.shim_start, against reuse of the pid */
	uint32_t shim_pid;   /* ADOPT */
	uint32_t timeout_ms; /* PROBE: kill its whole tree after this time */
};

/* Probes at once; one more is refused: PM_REPLY_PROBED with EAGAIN. */
#define PM_PROBES_MOST 64u
/* Bytes of a probe's output (standard output and error, in one) that are kept:
 * the first ones. */
#define PM_PROBE_OUTPUT_MOST 4096u

enum pm_reply_type {
	PM_REPLY_READY = 1,  /* first message: the lock is held, no older zygote lives */
	PM_REPLY_FORKED = 2, /* pid is the shim's */
	PM_REPLY_FAILED = 3, /* no shim was forked; error says why */
	PM_REPLY_GONE = 4,   /* the shim has exited, having finished or not */
	PM_REPLY_PROBED = 5, /* a probe's end; `length` bytes of its output follow */
};

enum pm_probe_flags {
	PM_PROBE_TIMED_OUT = 1, /* killed at its time-out */
	PM_PROBE_CANCELED = 2,  /* killed by PM_REQUEST_CANCEL */
	PM_PROBE_CUT = 4,       /* there was more output */
};

struct pm_reply {
	uint32_t type;
	uint32_t run;
	uint8_t uuid[16];
	uint32_t pid;
	/* FAILED: why no shim was forked, or why one could not be adopted.
	 * GONE: non-zero if the shim could not publish a ring. PROBED: non-zero if
	 * the command could not be executed. Else 0. */
	int32_t error;       /* errno */
	uint32_t step;       /* enum pm_step */
	int32_t wait_status; /* PROBED: of wait4(2) */
	uint32_t flags;      /* PROBED: enum pm_probe_flags */
	uint32_t length;     /* PROBED; else 0 */
};

/* A shim that could not publish its ring tells the zygote by its exit status:
 * errno, with this bit set for PM_STEP_OUTPUT and clear for PM_STEP_PREPARE. */
#define PM_EXIT_OUTPUT 0x80

/* ---- spec ------------------------------------------------------------ */

/* How long a run may wait for its first holder. */
#define PM_HOLD_MOST_MS 60000u

#define PM_SPEC_MAGIC 0x0043455053204d50ull /* "PM SPEC" */

enum pm_spec_flags {
	PM_SPEC_STDIN = 1,  /* standard input is a pipe behind the stdin FIFO, else /dev/null */
	PM_SPEC_TTY = 2,    /* a pseudo-terminal for all three streams */
	PM_SPEC_NICE = 4,   /* set `nice`, else it stays the zygote's */
	PM_SPEC_OOM = 8,    /* set `oom_score_adj`, else it stays the zygote's */
	PM_SPEC_NOTIFY = 16, /* make the notify socket; its name in the environment is the daemon's work */
};

struct pm_spec {
	uint64_t magic;
	uint32_t version; /* PM_PROTOCOL_VERSION */
	uint32_t size;    /* of the whole file */
	uint32_t flags;
	uint16_t rows;
	uint16_t columns;
	uint64_t output_limit; /* bytes of output to keep; a multiple of PM_PAGE, >= PM_PAGE */
	uint32_t umask;        /* at most 0777 */
	int32_t nice;          /* -20 to 19 */
	int32_t oom_score_adj; /* -1000 to 1000 */
	/* Limits that are not listed are the zygote's. */
	uint32_t rlimit_count;
	uint32_t path_count; /* >= 1: what execve(2) is tried with, in order, as execvp(3) would */
	uint32_t argument_count; /* >= 1, argv[0] included */
	uint32_t environment_count;
	uint32_t hold_ms; /* hold the output from offset 0 for so long, at most PM_HOLD_MOST_MS; 0: not */
	/* struct pm_rlimit[rlimit_count], then NUL-terminated byte strings:
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

/* What is true at one time is published at once: EXITED, TREE_GONE,
 * OUTPUT_COMPLETE and DONE appear together where one look of the shim saw them
 * together. */
enum pm_ring_flags {
	PM_RING_OUTPUT_COMPLETE = 1, /* end of file on every output pipe, or PM_CONTROL_RELEASE */
	PM_RING_TREE_GONE = 2,       /* no descendant is left */
	PM_RING_DONE = 4,            /* the last word: the shim exits */
	PM_RING_STDIN_CLOSED = 8,    /* the shim let go of the stdin FIFO: PM_CONTROL_CLOSE_STDIN, or no reader is left */
	PM_RING_SHRUNK = 16,         /* tmpfs was full: data_size or index_size was reduced */
	PM_RING_STOPPED = 32,        /* the main process is stopped by a signal (or by ptrace(2)) */
	PM_RING_HOLDING = 64,        /* the ring is full of what the holder has not taken: the shim does not read */
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
	PM_STEP_PRIORITY = 12, /* nice or oom_score_adj */
};

enum pm_stream {
	PM_STREAM_STDOUT = 1,
	PM_STREAM_STDERR = 2,
	PM_STREAM_TTY = 3,
};

/* What the process said on its notify socket, as sd_notify(3) defines it.
 * READY=1, STOPPING=1, STATUS=, WATCHDOG=1 and WATCHDOG_USEC= are taken;
 * everything else is ignored, descriptors are closed. Only processes of the
 * tree are believed; one that is gone when its message is read cannot be told
 * from a stranger, which is what sd_notify_barrier(3) is for. */
enum pm_notify_flags {
	PM_NOTIFY_READY = 1,
	PM_NOTIFY_STOPPING = 2,
};

#define PM_STATUS_SIZE 128u

/*
 * The first page of a ring file. Only the shim writes it, but for `want`.
 *
 * Consistency: the shim makes `seq` odd, changes fields, makes it even; a
 * reader retries until it sees one even value before and after. A shim that was
 * killed in between leaves it odd for good.
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
 *
 * Holding back: until CLOCK_BOOTTIME reaches hold_deadline the shim overwrites
 * no byte at or after hold_offset and drops no index entry that covers one.
 * When that leaves no room it sets PM_RING_HOLDING and does not read the
 * output, so that the process blocks as it would on a full pipe. Output that is
 * still in a pipe when the tree is gone is taken as the holder makes room. From
 * the deadline on the oldest is dropped as ever, and hold_deadline is set to 0.
 * With pm_spec.hold_ms the ring begins so, at offset 0: a holder can only come
 * once there is a ring, and shall find what was written before it came.
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
	uint64_t started_boot;
	uint64_t exited_boot;
	uint64_t finished_boot;

	int32_t wait_status; /* of wait4(2) */
	uint32_t fail_step;
	int32_t fail_errno;
	uint32_t fail_path; /* PM_STEP_EXEC: index of the path that fail_errno is about;
	                       PM_STEP_LIMITS: index of the rlimit;
	                       PM_STEP_PRIORITY: 0 nice, 1 oom_score_adj */
	uint64_t user_usec;
	uint64_t system_usec;
	uint64_t max_rss_kib;

	uint32_t control_seq;  /* the last control message carried out */
	int32_t control_errno; /* and its errno, 0 for success */

	uint64_t hold_offset;   /* everything before it was taken */
	uint64_t hold_deadline; /* CLOCK_BOOTTIME; 0: nobody holds */

	uint64_t watchdog_boot; /* the last WATCHDOG=1 */
	uint64_t watchdog_usec; /* the last WATCHDOG_USEC=, 0: none */
	uint32_t notify_flags;  /* enum pm_notify_flags */
	uint32_t reserved;
	char status[PM_STATUS_SIZE]; /* the last STATUS=, cut, NUL-terminated, then zeros */

	/* Bytes ever written to the stdin FIFO, whoever wrote them: as of the last
	 * PM_CONTROL_COUNT_INPUT, or of when it was closed or the main process ended. */
	uint64_t input_written;
	/* The same at the last PM_CONTROL_CLOSE_STDIN that was carried out, plus 1; 0: none was. */
	uint64_t input_end;
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
	PM_EVENT_NOTIFY = 8,  /* notify_flags, status or watchdog_usec changed; a WATCHDOG=1 alone sends none */
	PM_EVENT_HOLD = 16,   /* PM_RING_HOLDING was set: nothing comes before the holder moves */
};

/* Hints; the ring is the truth. When the FIFO is full the shim keeps the kinds
 * and sends them later; when nobody reads it, it drops them. What a process can
 * cause at will (being stopped and continued, notify messages) comes at most
 * once in 20 ms. */
struct pm_event {
	uint8_t uuid[16];
	uint32_t run;
	uint32_t kinds;
};

enum pm_control_type {
	PM_CONTROL_SIGNAL = 1,      /* a: signal, b: enum pm_target */
	PM_CONTROL_KILL_TREE = 2,   /* SIGKILL every descendant until none is left; acknowledged when that begins */
	PM_CONTROL_RESIZE = 3,      /* a: rows, b: columns */
	PM_CONTROL_CLOSE_STDIN = 4, /* with a terminal: send its end-of-file character */
	PM_CONTROL_RELEASE = 5,     /* the tree is gone (else EBUSY): take what is in the pipes, do not wait for
	                               foreign writers, finish */
	PM_CONTROL_HOLD = 6,        /* value: the offset up to which everything was taken (beyond `written`: EINVAL),
	                               a: milliseconds from now until the deadline, 0: end the hold */
	PM_CONTROL_COUNT_INPUT = 7, /* bring pm_ring.input_written up to date; EBADF: it has no standard input */
};

/* Numbered as in pm.v1.SignalTarget. */
enum pm_target {
	PM_TARGET_GROUP = 1, /* after the main process has ended: what is left of its group */
	PM_TARGET_MAIN = 2,
	PM_TARGET_TREE = 3,
};

/* Carried out in the order of the FIFO. A signal to a large tree takes several
 * rounds of the shim's loop; a message that comes meanwhile cuts it short. */
struct pm_control {
	uint32_t type;
	uint32_t seq; /* chosen by the daemon, repeated in pm_ring.control_seq; the same twice: a repetition */
	uint32_t a;
	uint32_t b;
	uint64_t value;
	uint64_t expires; /* CLOCK_MONOTONIC, ns: from then on it is only acknowledged, with ETIMEDOUT; 0: never */
};

#endif
