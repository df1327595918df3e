#include "shim.h"

#include "events.h"
#include "input.h"
#include "notify.h"
#include "ring.h"
#include "spawn.h"
#include "terminal.h"
#include "tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one round of the loop may walk the tree, so that output is taken
 * and control messages are seen beside a tree of thousands. */
#define WALK_MS 5
#define KILL_DELAY_MOST_MS 250
/* Reaped in one round. */
#define REAP_MOST 1000
#define NOTICES_AT_ONCE 16
#define CONTROL_MOST 16
/* Of each stream, in one round of the loop: a round then takes a millisecond or
 * two, and signals and control messages wait no longer than that. */
#define READS_AT_ONCE 16
/* So much in such a time is a flood. */
#define FLOOD_BYTES (1024u * 1024u)
#define FLOOD_MS 16
/* Less than this has usually emptied the pipe. */
#define SHORT_READ 4096
#define FLOOD_PIPE (1024 * 1024)
#define USUAL_PIPE (64 * 1024)
#define QUIET_MS 1000
/* More than any pipe holds. */
#define REST_MOST (4u << 20)

struct shim {
	struct ring ring;
	struct events events;
	struct terminal terminal;
	pid_t child;

	/* What is true, and not yet published if the ring does not say so. */
	bool main_reaped;
	int wait_status;
	struct rusage usage;
	uint64_t exited;
	uint64_t exited_boot;
	bool stopped;
	bool tree_gone;
	bool stdin_closed;
	bool holding;

	bool reap_again; /* there may be more than REAP_MOST */
	bool killing;
	struct tree_walk kill; /* the pass under way */
	bool reaped_in_pass;
	int64_t kill_at; /* monotonic ms, while killing and no pass is under way */
	int kill_delay;

	/* Control messages taken from the FIFO; the first may be under way. */
	struct pm_control messages[CONTROL_MOST];
	size_t message_count;
	struct tree_walk walk; /* of the first message, if it is one to a tree */

	bool released;
	uint32_t rest[2]; /* bytes still to be taken from foreign writers, once released */
	int signals;
	int control;
	int notify; /* -1: none */
	size_t notify_room; /* messages */
	struct {
		int64_t since; /* monotonic ms */
		uint64_t bytes;
		bool grown; /* the pipe was */
	} flood[2];
	int64_t quiet_at; /* monotonic ms, while a pipe is grown */
	int output[2]; /* stdout or terminal, stderr; -1 after end of file */
	struct input input;
};

/* Not on the stack: untouched it takes no page of a shim that has no cgroup. Empty: none. */
static char cgroup_kill[PATH_MAX];

static bool output_ended(const struct shim *s) { return s->output[0] < 0 && s->output[1] < 0; }

static void put_exit(struct shim *s)
{
	struct pm_ring *h = s->ring.header;
	const struct rusage *usage = &s->usage;
	h->state = PM_STATE_EXITED;
	h->wait_status = s->wait_status;
	h->user_usec = (uint64_t)usage->ru_utime.tv_sec * 1000000u + (uint64_t)usage->ru_utime.tv_usec;
	h->system_usec = (uint64_t)usage->ru_stime.tv_sec * 1000000u + (uint64_t)usage->ru_stime.tv_usec;
	h->max_rss_kib = (uint64_t)usage->ru_maxrss;
	h->exited = s->exited;
	h->exited_boot = s->exited_boot;
}

static uint32_t flags_now(const struct shim *s)
{
	uint32_t flags = s->ring.header->flags & PM_RING_SHRUNK;
	if (s->tree_gone)
		flags |= PM_RING_TREE_GONE;
	if (output_ended(s))
		flags |= PM_RING_OUTPUT_COMPLETE;
	if (s->main_reaped && s->tree_gone && output_ended(s))
		flags |= PM_RING_DONE;
	if (s->stdin_closed)
		flags |= PM_RING_STDIN_CLOSED;
	if (s->stopped && !s->main_reaped)
		flags |= PM_RING_STOPPED;
	if (s->holding && !output_ended(s))
		flags |= PM_RING_HOLDING;
	return flags;
}

/* Everything that has become true, at once: nobody shall see that the main
 * process has ended and not yet that nothing is left, if both are so. */
static void publish(struct shim *s)
{
	struct pm_ring *h = s->ring.header;
	uint32_t flags = flags_now(s);
	uint32_t changed = flags ^ h->flags;
	bool exited = s->main_reaped && h->state == PM_STATE_RUNNING;
	if (changed == 0 && !exited)
		return;
	ring_begin(&s->ring);
	if (exited)
		put_exit(s);
	h->flags = flags;
	if ((exited || (changed & PM_RING_DONE)) && s->input.fifo >= 0)
		h->input_written = input_written(&s->input);
	if (changed & PM_RING_DONE) {
		h->finished = now_ns();
		h->finished_boot = boot_ns();
	}
	ring_end(&s->ring);
	if (changed & flags & PM_RING_HOLDING)
		events_post(&s->events, PM_EVENT_HOLD);
	if (exited || (changed & ~(uint32_t)(PM_RING_HOLDING | PM_RING_STOPPED)) != 0)
		events_post(&s->events, PM_EVENT_STATE);
	else if (changed & PM_RING_STOPPED)
		events_post_lazily(&s->events, PM_EVENT_STATE);
}

/* ---- making the run -------------------------------------------------- */

static int make_fifo(const char *name) { return mkfifo(name, 0600) == 0 ? 0 : errno; }

static int open_into(int *fd, const char *name, int flags)
{
	*fd = open(name, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	return *fd < 0 ? errno : 0;
}

static int open_pipe(int *reader, int *writer)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	*reader = fds[0];
	*writer = fds[1];
	/* Our end alone: the process's end has a file description of its own. */
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

/* The process's standard streams, for spawn(). 0 or an errno. */
static int open_streams(struct shim *s, const struct pm_spec *spec, int fds[3])
{
	int error = 0;
	if (spec->flags & PM_SPEC_TTY) {
		if ((error = input_open_fifo(&s->input)) != 0 ||
		    (error = terminal_open(&s->terminal, spec->rows, spec->columns)) != 0)
			return error;
		s->output[0] = s->terminal.master;
		fds[0] = fds[1] = fds[2] = s->terminal.slave;
		return 0;
	}
	if (spec->flags & PM_SPEC_STDIN) {
		if ((error = input_open(&s->input, &fds[0])) != 0)
			return error;
	} else if ((fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
		return errno;
	}
	error = open_pipe(&s->output[0], &fds[1]);
	return error != 0 ? error : open_pipe(&s->output[1], &fds[2]);
}

static void close_streams(const struct shim *s, const int fds[3])
{
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0 && fds[i] != s->terminal.slave)
			close(fds[i]);
}

static void record_start(struct shim *s, uint64_t start)
{
	ring_begin(&s->ring);
	s->ring.header->state = PM_STATE_RUNNING;
	s->ring.header->child_pid = (uint32_t)s->child;
	s->ring.header->child_start = start;
	s->ring.header->started = now_ns();
	s->ring.header->started_boot = boot_ns();
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
}

static void record_failure(struct shim *s, const struct failure *failure)
{
	struct pm_ring *h = s->ring.header;
	ring_begin(&s->ring);
	h->state = PM_STATE_FAILED;
	h->fail_step = failure->step;
	h->fail_errno = failure->error;
	h->fail_path = failure->path;
	h->finished = now_ns();
	h->finished_boot = boot_ns();
	h->flags |= PM_RING_OUTPUT_COMPLETE | PM_RING_TREE_GONE | PM_RING_DONE;
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
}

static bool start(struct shim *s, const struct spec *spec)
{
	struct failure failure = {0};
	int fds[3] = {-1, -1, -1};
	int error;
	uint64_t child_start = 0;
	if ((error = make_fifo("control")) != 0 || (error = open_into(&s->control, "control", O_RDWR)) != 0 ||
	    ((spec->head->flags & PM_SPEC_NOTIFY) && (error = notify_open(&s->notify, &s->notify_room)) != 0)) {
		failure = (struct failure){PM_STEP_PREPARE, error, 0};
	} else if ((error = open_streams(s, spec->head, fds)) != 0) {
		failure = (struct failure){PM_STEP_PIPE, error, 0};
	} else {
		s->child = spawn(spec, fds, &failure, &child_start);
		if (s->child > 0 && spec->cgroup[0] != '\0')
			snprintf(cgroup_kill, sizeof cgroup_kill, "%s/cgroup.kill", spec->cgroup);
	}
	close_streams(s, fds);
	if (failure.step != 0) {
		record_failure(s, &failure);
		return false;
	}
	record_start(s, child_start);
	return true;
}

/* ---- notify ---------------------------------------------------------- */

/* Takes at most that many messages; how many there were. */
static size_t take_notices(struct shim *s, size_t most)
{
	struct pm_ring *h = s->ring.header;
	struct notice notice;
	size_t count = notify_take(s->notify, s->main_reaped ? 0 : s->child, most, &notice);
	if (!notice.said)
		return count;
	bool changed = (notice.flags & ~h->notify_flags) != 0 ||
	               (notice.has_status && memcmp(notice.status, h->status, sizeof h->status) != 0) ||
	               (notice.has_watchdog_usec && notice.watchdog_usec != h->watchdog_usec);
	ring_begin(&s->ring);
	h->notify_flags |= notice.flags;
	if (notice.alive)
		h->watchdog_boot = boot_ns();
	if (notice.has_watchdog_usec)
		h->watchdog_usec = notice.watchdog_usec;
	if (notice.has_status)
		memcpy(h->status, notice.status, sizeof h->status);
	ring_end(&s->ring);
	if (changed)
		events_post_lazily(&s->events, PM_EVENT_NOTIFY);
	return count;
}

/* The child to wait for next; 0: none, -1: any. If it has ended, what it said
 * is taken first: once it is reaped nobody can tell whose that was. Others may
 * go on talking: no more is taken than the queue held. */
static pid_t hear_out(struct shim *s, size_t *left)
{
	siginfo_t info = {0};
	if (s->notify < 0 || waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) != 0)
		return -1;
	if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
		if (info.si_pid == s->child)
			*left = s->notify_room;
		*left -= take_notices(s, *left);
	}
	return info.si_pid;
}

/* ---- the end of processes -------------------------------------------- */

static void note_exit(struct shim *s, int status, const struct rusage *usage)
{
	s->main_reaped = true;
	s->wait_status = status;
	s->usage = *usage;
	s->exited = now_ns();
	s->exited_boot = boot_ns();
	if (s->terminal.slave >= 0) {
		close(s->terminal.slave);
		s->terminal.slave = -1;
	}
}

static void note_change(struct shim *s, pid_t pid, int status, const struct rusage *usage)
{
	if (pid != s->child || s->main_reaped)
		return;
	if (WIFEXITED(status) || WIFSIGNALED(status))
		note_exit(s, status, usage);
	else
		s->stopped = WIFSTOPPED(status);
}

/* Reaps what has ended, and sees what has stopped; whether there was anything. */
static bool reap(struct shim *s)
{
	size_t notices_left = s->notify_room;
	s->reap_again = false;
	for (int count = 0; count < REAP_MOST; count++) {
		int status;
		struct rusage usage;
		pid_t next = hear_out(s, &notices_left);
		pid_t pid = next == 0 ? 0 : wait4(next, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage);
		if (pid > 0) {
			note_change(s, pid, status, &usage);
		} else if (pid < 0 && errno == EINTR) {
			continue;
		} else {
			/* We are the subreaper: no child means no descendant. */
			if (pid < 0 && errno == ECHILD)
				s->tree_gone = true;
			return count > 0;
		}
	}
	s->reap_again = true;
	return true;
}

static void write_cgroup_kill(void)
{
	int fd = cgroup_kill[0] != '\0' ? open(cgroup_kill, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return; /* the walk does it */
	ssize_t ignored = write(fd, "1", 1);
	(void)ignored;
	close(fd);
}

/* A round's share of killing: passes one after the other as long as they get
 * anywhere, then pauses: a process may be in uninterruptible sleep. */
static void kill_tree(struct shim *s)
{
	int64_t until = monotonic_ms() + WALK_MS;
	do {
		if (!s->kill.active) {
			write_cgroup_kill();
			tree_walk_begin(&s->kill, SIGKILL, 0);
			s->reaped_in_pass = false;
		}
		bool complete = tree_walk_step(&s->kill, WALK_MS);
		s->reaped_in_pass = reap(s) || s->reaped_in_pass;
		if (!complete)
			return;
		tree_walk_end(&s->kill);
		if (!s->reaped_in_pass) {
			s->kill_delay = s->kill_delay == 0 ? 1 : s->kill_delay * 2;
			if (s->kill_delay > KILL_DELAY_MOST_MS)
				s->kill_delay = KILL_DELAY_MOST_MS;
			s->kill_at = monotonic_ms() + s->kill_delay;
			return;
		}
		s->kill_delay = 0;
		s->kill_at = 0;
	} while (!s->tree_gone && monotonic_ms() < until);
}

static void stop_killing(struct shim *s)
{
	s->killing = false;
	if (s->kill.active)
		tree_walk_end(&s->kill);
}

static void on_child_signal(struct shim *s)
{
	struct signalfd_siginfo info;
	ssize_t ignored = read(s->signals, &info, sizeof info);
	(void)ignored;
	reap(s);
	/* Somebody died: a pass gets further now. */
	s->kill_at = 0;
}

/* ---- control --------------------------------------------------------- */

#define UNDER_WAY (-1)

/* An errno, or UNDER_WAY. */
static int send_signal(struct shim *s, uint32_t number, uint32_t target)
{
	if (number >= NSIG)
		return EINVAL;
	int signal_number = (int)number;
	switch (target) {
	case PM_TARGET_GROUP:
		/* Once reaped, the pid may name another's group: look at who is left. */
		if (s->main_reaped) {
			tree_walk_begin(&s->walk, signal_number, s->child);
			return UNDER_WAY;
		}
		return kill(-s->child, signal_number) == 0 ? 0 : errno;
	case PM_TARGET_MAIN:
		if (s->main_reaped)
			return ESRCH;
		return kill(s->child, signal_number) == 0 ? 0 : errno;
	case PM_TARGET_TREE:
		tree_walk_begin(&s->walk, signal_number, 0);
		return UNDER_WAY;
	default:
		return EINVAL;
	}
}

static void count_input(struct shim *s)
{
	ring_begin(&s->ring);
	s->ring.header->input_written = input_written(&s->input);
	ring_end(&s->ring);
}

/* From now on nobody can write to it. */
static void refuse_input(struct shim *s)
{
	if (s->stdin_closed)
		return;
	count_input(s);
	unlink("stdin");
	s->stdin_closed = true;
}

static void let_go_of_stdin(struct shim *s)
{
	refuse_input(s);
	input_close(&s->input);
}

static int close_stdin(struct shim *s)
{
	if (s->input.fifo < 0)
		return s->stdin_closed ? 0 : EBADF;
	ring_begin(&s->ring);
	s->ring.header->input_end = input_written(&s->input) + 1;
	ring_end(&s->ring);
	if (s->input.pipe < 0) {
		s->terminal.end_of_file = true;
		return 0;
	}
	refuse_input(s);
	s->input.ending = true;
	return 0;
}

/* An errno, or UNDER_WAY. */
static int carry_out(struct shim *s, const struct pm_control *control)
{
	if (control->expires != 0 && monotonic_ns() >= control->expires)
		return ETIMEDOUT;
	switch (control->type) {
	case PM_CONTROL_SIGNAL:
		return send_signal(s, control->a, control->b);
	case PM_CONTROL_KILL_TREE:
		if (!s->tree_gone) {
			s->killing = true;
			s->kill_delay = 0;
			s->kill_at = 0;
		}
		return 0;
	case PM_CONTROL_RESIZE:
		if (s->terminal.master < 0)
			return ENOTTY;
		if (control->a > UINT16_MAX || control->b > UINT16_MAX)
			return EINVAL;
		return terminal_resize(&s->terminal, (uint16_t)control->a, (uint16_t)control->b);
	case PM_CONTROL_CLOSE_STDIN:
		return close_stdin(s);
	case PM_CONTROL_RELEASE:
		if (!s->tree_gone)
			return EBUSY;
		if (!s->released)
			s->rest[0] = s->rest[1] = REST_MOST;
		s->released = true;
		return 0;
	case PM_CONTROL_HOLD:
		return ring_hold(&s->ring, control->value, control->a);
	case PM_CONTROL_COUNT_INPUT:
		if (s->input.fifo >= 0)
			count_input(s);
		else if (!s->stdin_closed)
			return EBADF;
		return 0;
	default:
		return ENOSYS;
	}
}

static void acknowledge(struct shim *s, int error)
{
	ring_begin(&s->ring);
	s->ring.header->control_seq = s->messages[0].seq;
	s->ring.header->control_errno = error;
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_CONTROL);
	s->message_count--;
	memmove(&s->messages[0], &s->messages[1], s->message_count * sizeof s->messages[0]);
}

/* A killing does not wait for a signal's walk over the same tree. */
static bool is_kill_waiting(const struct shim *s)
{
	for (size_t i = 1; i < s->message_count; i++)
		if (s->messages[i].type == PM_CONTROL_KILL_TREE)
			return true;
	return false;
}

/* Carries out messages in their order, as far as this round goes. */
static void serve_messages(struct shim *s)
{
	while (s->message_count > 0) {
		const struct pm_control *message = &s->messages[0];
		if (s->walk.active) {
			if (!tree_walk_step(&s->walk, WALK_MS) && !is_kill_waiting(s))
				return;
			acknowledge(s, tree_walk_end(&s->walk));
		} else if (message->seq == s->ring.header->control_seq && message->seq != 0) {
			/* Sent twice by somebody who did not see the acknowledgement. */
			acknowledge(s, s->ring.header->control_errno);
		} else {
			int error = carry_out(s, message);
			if (error != UNDER_WAY)
				acknowledge(s, error);
		}
	}
}

static void on_control(struct shim *s)
{
	/* A whole number of them: each is written at once. */
	size_t room = CONTROL_MOST - s->message_count;
	ssize_t n = read(s->control, &s->messages[s->message_count], room * sizeof s->messages[0]);
	if (n > 0)
		s->message_count += (size_t)n / sizeof s->messages[0];
}

/* ---- output ---------------------------------------------------------- */

static void end_output(struct shim *s, int which)
{
	if (s->output[which] == s->terminal.master) {
		s->terminal.master = -1;
		if (s->input.fifo >= 0)
			let_go_of_stdin(s);
	}
	close(s->output[which]);
	s->output[which] = -1;
	s->flood[which].grown = false;
}

/* A flood gets a larger pipe: fewer switches between its writer and us. A user
 * has a limited share of those (pipe(7)), so that it is given back. With this,
 * reads of 256 KiB and several in a round, the figure of ring.c for a 1 MiB ring
 * went from 0.78 to 0.92 (64 KiB writes) and 0.82 (8 KiB). */
static void note_flood(struct shim *s, int which, uint64_t bytes)
{
	int64_t now = monotonic_ms();
	if (now - s->flood[which].since > FLOOD_MS) {
		s->flood[which].since = now;
		s->flood[which].bytes = 0;
	}
	s->flood[which].bytes += bytes;
	if (s->flood[which].bytes < FLOOD_BYTES)
		return;
	s->quiet_at = now + QUIET_MS;
	ring_flood(&s->ring);
	/* EPERM beyond the user's share: it stays as it is. */
	if (!s->flood[which].grown && s->output[which] >= 0)
		s->flood[which].grown = fcntl(s->output[which], F_SETPIPE_SZ, FLOOD_PIPE) > 0;
	s->flood[which].bytes = 0;
}

static void end_flood(struct shim *s)
{
	ring_quiet(&s->ring);
	for (int which = 0; which < 2; which++) {
		/* EBUSY: it holds more than that. It is tried again. */
		if (s->flood[which].grown && fcntl(s->output[which], F_SETPIPE_SZ, USUAL_PIPE) > 0)
			s->flood[which].grown = false;
	}
	s->quiet_at = s->flood[0].grown || s->flood[1].grown ? monotonic_ms() + QUIET_MS : 0;
}

/* Whether a read brought something. */
static bool take_output(struct shim *s, int which)
{
	enum pm_stream stream = which == 1 ? PM_STREAM_STDERR : PM_STREAM_STDOUT;
	if (s->terminal.master >= 0)
		stream = PM_STREAM_TTY;
	ssize_t n = ring_read(&s->ring, s->output[which], stream);
	if (n > 0) {
		if (ring_take_want(&s->ring))
			events_post(&s->events, PM_EVENT_OUTPUT);
		/* Enough of what a foreign writer still writes. */
		if (s->released) {
			s->rest[which] -= (uint32_t)min_u64((uint64_t)n, s->rest[which]);
			if (s->rest[which] == 0)
				end_output(s, which);
		}
		return true;
	}
	if (n < 0 && (errno == EBUSY || errno == EINTR))
		return false;
	/* EIO is a terminal's end of file: its last slave is closed. Released, an
	 * empty pipe is the end as well. */
	if (n == 0 || errno != EAGAIN || s->released)
		end_output(s, which);
	return false;
}

/* What the streams have, standard output first and then in turn: fair to both.
 * A short read has usually emptied its pipe: poll(2) says when there is more. */
static void take_round(struct shim *s, bool first, bool second)
{
	bool ready[2] = {first && s->output[0] >= 0, second && s->output[1] >= 0};
	const uint64_t *counts[2] = {&s->ring.header->stdout_bytes, &s->ring.header->stderr_bytes};
	const uint64_t before[2] = {*counts[0], *counts[1]};
	for (int i = 0; i < READS_AT_ONCE && (ready[0] || ready[1]); i++) {
		for (int which = 0; which < 2; which++) {
			uint64_t at = s->ring.header->written;
			if (ready[which])
				ready[which] = take_output(s, which) && s->output[which] >= 0 &&
				               s->ring.header->written - at >= SHORT_READ;
		}
	}
	for (int which = 0; which < 2; which++)
		if (*counts[which] - before[which] >= SHORT_READ)
			note_flood(s, which, *counts[which] - before[which]);
}

/* The tree is gone: what is in the pipes is the rest of its output, and there
 * usually is an end of file behind it. As far as a hold lets us, and not for
 * ever: a foreign writer may write on. */
static void take_rest(struct shim *s)
{
	uint64_t until = s->ring.header->written + REST_MOST;
	bool any = true;
	while (any && s->ring.header->written < until) {
		any = false;
		for (int which = 0; which < 2; which++)
			any = (s->output[which] >= 0 && take_output(s, which)) || any;
	}
}

/* ---- the loop -------------------------------------------------------- */

static int timeout(const struct shim *s)
{
	if (s->walk.active || s->kill.active || s->reap_again)
		return 0;
	int64_t at = events_due(&s->events);
	if (s->killing && s->kill_at < at)
		at = s->kill_at;
	if (s->quiet_at != 0 && s->quiet_at < at)
		at = s->quiet_at;
	int64_t left = at == INT64_MAX ? INT64_MAX : at - monotonic_ms();
	int64_t hold = ring_hold_left_ms(&s->ring);
	if (hold >= 0 && hold < left)
		left = hold;
	if (left == INT64_MAX)
		return -1;
	return left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

static void on_timers(struct shim *s)
{
	events_flush(&s->events);
	if (s->reap_again)
		reap(s);
	if (s->quiet_at != 0 && monotonic_ms() >= s->quiet_at)
		end_flood(s);
	if (s->killing && (s->kill.active || monotonic_ms() >= s->kill_at))
		kill_tree(s);
}

enum { SIGNALS, CONTROL, NOTIFY, INPUT, PIPE, STDOUT, STDERR, POLLED };

static void pass_input_on(struct shim *s, short from, short to)
{
	bool wanted = (from & POLLIN) != 0 || (to & POLLOUT) != 0 || s->input.ending;
	if ((to & POLLERR) != 0 || (wanted && !input_pump(&s->input)))
		let_go_of_stdin(s);
}

static void serve(struct shim *s)
{
	struct terminal *t = &s->terminal;
	while ((s->ring.header->flags & PM_RING_DONE) == 0) {
		short output = (short)(s->holding ? 0 : POLLIN);
		struct pollfd polled[POLLED] = {
			[SIGNALS] = {.fd = s->signals, .events = POLLIN},
			[CONTROL] = {.fd = s->message_count < CONTROL_MOST ? s->control : -1, .events = POLLIN},
			[NOTIFY] = {.fd = s->notify, .events = POLLIN},
			[INPUT] = {.fd = s->input.pipe >= 0 && !s->input.full ? s->input.fifo : -1, .events = POLLIN},
			/* Even without events: POLLERR says that no reader is left. */
			[PIPE] = {.fd = s->input.pipe, .events = (short)(s->input.full ? POLLOUT : 0)},
			/* Not even for POLLHUP, which would come for ever. */
			[STDOUT] = {.fd = s->holding ? -1 : s->output[0], .events = output},
			[STDERR] = {.fd = s->holding ? -1 : s->output[1], .events = output},
		};
		if (t->master >= 0) {
			bool unsent = t->sent < t->length || t->end_of_file;
			if (unsent)
				polled[STDOUT] = (struct pollfd){.fd = t->master, .events = (short)(output | POLLOUT)};
			else
				polled[INPUT] = (struct pollfd){.fd = s->input.fifo, .events = POLLIN};
		}
		if (poll(polled, POLLED, timeout(s)) < 0)
			continue; /* EINTR */
		if (polled[NOTIFY].revents != 0)
			take_notices(s, NOTICES_AT_ONCE);
		/* The exit status before anything else. */
		if (polled[SIGNALS].revents != 0)
			on_child_signal(s);
		if (polled[CONTROL].revents != 0)
			on_control(s);
		serve_messages(s);
		if (s->input.pipe >= 0)
			pass_input_on(s, polled[INPUT].revents, polled[PIPE].revents);
		if (t->master >= 0 && ((polled[INPUT].revents & POLLIN) || (polled[STDOUT].revents & POLLOUT)))
			terminal_pump(t, &s->input);
		if (s->holding && t->master >= 0 && (polled[STDOUT].revents & (POLLHUP | POLLERR)))
			terminal_discard(t);
		if ((polled[STDOUT].revents & ~POLLOUT) != 0 || polled[STDERR].revents != 0)
			take_round(s, (polled[STDOUT].revents & ~POLLOUT) != 0, polled[STDERR].revents != 0);
		on_timers(s);
		if (s->tree_gone) {
			stop_killing(s);
			take_rest(s);
		}
		s->holding = !output_ended(s) && ring_is_full(&s->ring);
		publish(s);
	}
}

static void deliver_events(struct shim *s)
{
	int64_t at;
	while ((at = events_due(&s->events)) != INT64_MAX) {
		int64_t left = at - monotonic_ms();
		poll(NULL, 0, left > 0 ? (int)left : 0);
		events_flush(&s->events);
	}
}

static int enter_run(const struct pm_request *request)
{
	char uuid[UUID_TEXT_SIZE], path[64];
	format_uuid(uuid, request->uuid);
	snprintf(path, sizeof path, "p/%s/%u", uuid, (unsigned)request->run);
	return chdir(path) == 0 ? 0 : errno;
}

static void identify(struct shim *s, const struct pm_request *request, uint64_t start)
{
	struct pm_ring *h = s->ring.header;
	h->state = PM_STATE_STARTING;
	h->run = request->run;
	memcpy(h->uuid, request->uuid, sizeof h->uuid);
	h->shim_pid = (uint32_t)getpid();
	h->shim_start = start;
}

int shim_run(const struct pm_request *request, uint64_t before_fork, int events_fd, int lock_fd)
{
	uint64_t shim_start = start_between(before_fork, boot_ns(), getpid());
	struct shim s = {
		.events = {.fd = events_fd, .pending = {.run = request->run}},
		.terminal = {.master = -1, .slave = -1},
		.input = {.fifo = -1, .pipe = -1},
		.signals = -1,
		.control = -1,
		.notify = -1,
		.output = {-1, -1},
	};
	memcpy(s.events.pending.uuid, request->uuid, sizeof request->uuid);
	setsid();
	prctl(PR_SET_NAME, "pm-shim");
	sigset_t child_signal;
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	struct spec spec;
	int error = enter_run(request);
	if (error == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		error = errno;
	if (error == 0 && (s.signals = signalfd(-1, &child_signal, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
		error = errno;
	if (error == 0)
		error = spec_open(&spec, "spec");
	if (error != 0)
		return error & ~PM_EXIT_OUTPUT;
	error = ring_create(&s.ring, spec.head->output_limit);
	if (error != 0)
		return error == EEXIST ? 0 : error | PM_EXIT_OUTPUT;
	identify(&s, request, shim_start);
	/* Before anybody sees the ring: a holder that is quick shall not be undone. */
	ring_hold(&s.ring, 0, spec.head->hold_ms);
	ring_publish(&s.ring);
	close(lock_fd);
	bool started = start(&s, &spec);
	spec_close(&spec);
	if (started)
		serve(&s);
	if (s.notify >= 0)
		unlink("notify");
	/* Nobody listens any more, and a sender shall know. */
	if (s.control >= 0)
		close(s.control);
	deliver_events(&s);
	return 0;
}
