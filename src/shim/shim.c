#include "shim.h"

#include "events.h"
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

#define KILL_PASSES_AT_ONCE 64
#define KILL_DELAY_MOST_MS 250
#define RELEASE_READS 64

struct shim {
	struct ring ring;
	struct events events;
	struct terminal terminal;
	pid_t child;
	bool main_reaped;
	bool tree_gone;
	bool killing;
	bool released;
	int64_t kill_at; /* monotonic ms, while killing */
	int kill_delay;
	int signals;
	int control;
	int output[2]; /* stdout or terminal, stderr; -1 after end of file */
	int stdin_writer; /* keeps the FIFO from end of file; -1: none */
	char cgroup_kill[PATH_MAX];
};

static void set_flags(struct shim *s, uint32_t flags)
{
	if ((s->ring.header->flags & flags) == flags)
		return;
	ring_begin(&s->ring);
	s->ring.header->flags |= flags;
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
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
		if ((error = make_fifo("stdin")) != 0 ||
		    (error = open_into(&s->terminal.input, "stdin", O_RDWR)) != 0 ||
		    (error = terminal_open(&s->terminal, spec->rows, spec->columns)) != 0)
			return error;
		s->output[0] = s->terminal.master;
		fds[0] = fds[1] = fds[2] = s->terminal.slave;
		return 0;
	}
	if (spec->flags & PM_SPEC_STDIN) {
		if ((error = make_fifo("stdin")) != 0 || (error = open_into(&fds[0], "stdin", O_RDONLY)) != 0 ||
		    (error = open_into(&s->stdin_writer, "stdin", O_WRONLY)) != 0)
			return error;
		if (fcntl(fds[0], F_SETFL, 0) != 0)
			return errno;
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

static void record_start(struct shim *s)
{
	struct proc_stat stat = {0};
	proc_stat(s->child, &stat); /* cannot be gone: we have not reaped it */
	ring_begin(&s->ring);
	s->ring.header->state = PM_STATE_RUNNING;
	s->ring.header->child_pid = (uint32_t)s->child;
	s->ring.header->child_start = stat.start;
	s->ring.header->started = now_ns();
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
	h->flags |= PM_RING_OUTPUT_COMPLETE | PM_RING_TREE_GONE | PM_RING_DONE;
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
}

static bool start(struct shim *s, const struct spec *spec)
{
	struct failure failure = {0};
	int fds[3] = {-1, -1, -1};
	int error;
	if ((error = make_fifo("control")) != 0 || (error = open_into(&s->control, "control", O_RDWR)) != 0) {
		failure = (struct failure){PM_STEP_PREPARE, error, 0};
	} else if ((error = open_streams(s, spec->head, fds)) != 0) {
		failure = (struct failure){PM_STEP_PIPE, error, 0};
	} else {
		s->child = spawn(spec, fds, &failure);
		if (s->child > 0 && spec->cgroup[0] != '\0')
			snprintf(s->cgroup_kill, sizeof s->cgroup_kill, "%s/cgroup.kill", spec->cgroup);
	}
	close_streams(s, fds);
	if (failure.step != 0) {
		record_failure(s, &failure);
		return false;
	}
	record_start(s);
	return true;
}

/* ---- the end of processes -------------------------------------------- */

static void record_exit(struct shim *s, int status, const struct rusage *usage)
{
	struct pm_ring *h = s->ring.header;
	s->main_reaped = true;
	ring_begin(&s->ring);
	h->state = PM_STATE_EXITED;
	h->wait_status = status;
	h->user_usec = (uint64_t)usage->ru_utime.tv_sec * 1000000u + (uint64_t)usage->ru_utime.tv_usec;
	h->system_usec = (uint64_t)usage->ru_stime.tv_sec * 1000000u + (uint64_t)usage->ru_stime.tv_usec;
	h->max_rss_kib = (uint64_t)usage->ru_maxrss;
	h->exited = now_ns();
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
	if (s->terminal.slave >= 0) {
		close(s->terminal.slave);
		s->terminal.slave = -1;
	}
}

/* Reaps all that have ended; whether there were any. */
static bool reap(struct shim *s)
{
	bool any = false;
	for (;;) {
		int status;
		struct rusage usage;
		pid_t pid = wait4(-1, &status, WNOHANG, &usage);
		if (pid > 0) {
			any = true;
			if (pid == s->child && !s->main_reaped)
				record_exit(s, status, &usage);
		} else if (pid == 0) {
			return any;
		} else if (errno == ECHILD) {
			/* We are the subreaper: no child means no descendant. */
			s->tree_gone = true;
			s->killing = false;
			set_flags(s, PM_RING_TREE_GONE);
			return any;
		} else if (errno != EINTR) {
			return any;
		}
	}
}

static void write_cgroup_kill(const struct shim *s)
{
	int fd = s->cgroup_kill[0] != '\0' ? open(s->cgroup_kill, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return; /* the walk does it */
	ssize_t ignored = write(fd, "1", 1);
	(void)ignored;
	close(fd);
}

/* As many passes as get anywhere, then pauses: a process in uninterruptible
 * sleep must not keep the loop from its other work. */
static void kill_tree(struct shim *s)
{
	bool any = false;
	write_cgroup_kill(s);
	for (int pass = 0; pass < KILL_PASSES_AT_ONCE && s->killing; pass++) {
		tree_kill_pass();
		bool reaped = reap(s);
		any = any || reaped;
		if (!reaped && pass > 1)
			break;
	}
	s->kill_delay = any || s->kill_delay == 0 ? 1 : s->kill_delay * 2;
	if (s->kill_delay > KILL_DELAY_MOST_MS)
		s->kill_delay = KILL_DELAY_MOST_MS;
	s->kill_at = monotonic_ms() + s->kill_delay;
}

static void on_child_signal(struct shim *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof info) > 0)
		;
	reap(s);
	if (s->killing)
		kill_tree(s);
}

/* ---- control --------------------------------------------------------- */

static int send_signal(struct shim *s, uint32_t number, uint32_t target)
{
	if (number >= NSIG)
		return EINVAL;
	int signal_number = (int)number;
	switch (target) {
	case PM_TARGET_GROUP:
		/* Once reaped, the pid may name another's group: look at who is left. */
		if (s->main_reaped)
			return tree_signal_group(s->child, signal_number);
		return kill(-s->child, signal_number) == 0 ? 0 : errno;
	case PM_TARGET_MAIN:
		if (s->main_reaped)
			return ESRCH;
		return kill(s->child, signal_number) == 0 ? 0 : errno;
	case PM_TARGET_TREE:
		return tree_signal(signal_number);
	default:
		return EINVAL;
	}
}

static void let_go_of_stdin(struct shim *s, int *fd)
{
	close(*fd);
	*fd = -1;
	unlink("stdin");
	set_flags(s, PM_RING_STDIN_CLOSED);
}

static int close_stdin(struct shim *s)
{
	if (s->terminal.input >= 0) {
		s->terminal.end_of_file = true;
		return 0;
	}
	if (s->stdin_writer >= 0)
		let_go_of_stdin(s, &s->stdin_writer);
	else if ((s->ring.header->flags & PM_RING_STDIN_CLOSED) == 0)
		return EBADF;
	return 0;
}

static int carry_out(struct shim *s, const struct pm_control *control)
{
	switch (control->type) {
	case PM_CONTROL_SIGNAL:
		return send_signal(s, control->a, control->b);
	case PM_CONTROL_KILL_TREE:
		if (!s->tree_gone) {
			s->killing = true;
			s->kill_delay = 0;
			kill_tree(s);
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
		s->released = true;
		return 0;
	default:
		return ENOSYS;
	}
}

static void on_control(struct shim *s)
{
	struct pm_control messages[16];
	ssize_t n = read(s->control, messages, sizeof messages);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof messages[0]; i++) {
		int error = carry_out(s, &messages[i]);
		ring_begin(&s->ring);
		s->ring.header->control_seq = messages[i].seq;
		s->ring.header->control_errno = error;
		ring_end(&s->ring);
		events_post(&s->events, PM_EVENT_CONTROL);
	}
}

/* ---- output ---------------------------------------------------------- */

static void end_output(struct shim *s, int which)
{
	if (s->output[which] == s->terminal.master) {
		s->terminal.master = -1;
		if (s->terminal.input >= 0)
			let_go_of_stdin(s, &s->terminal.input);
	}
	close(s->output[which]);
	s->output[which] = -1;
	if (s->output[0] < 0 && s->output[1] < 0)
		set_flags(s, PM_RING_OUTPUT_COMPLETE);
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
		return true;
	}
	/* EIO is a terminal's end of file: its last slave is closed. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end_output(s, which);
	return false;
}

/* What is in the pipes now still belongs to the process. */
static void release_output(struct shim *s)
{
	for (int which = 0; which < 2; which++) {
		for (int i = 0; i < RELEASE_READS && s->output[which] >= 0; i++)
			if (!take_output(s, which))
				break;
		if (s->output[which] >= 0)
			end_output(s, which);
	}
}

/* ---- the loop -------------------------------------------------------- */

static int timeout(const struct shim *s)
{
	int64_t at = INT64_MAX;
	if (s->events.pending.kinds != 0)
		at = s->events.retry_at;
	if (s->killing && s->kill_at < at)
		at = s->kill_at;
	if (at == INT64_MAX)
		return -1;
	int64_t left = at - monotonic_ms();
	return left > 0 ? (int)left : 0;
}

static void on_timers(struct shim *s)
{
	int64_t now = monotonic_ms();
	if (s->events.pending.kinds != 0 && now >= s->events.retry_at)
		events_flush(&s->events);
	if (s->killing && now >= s->kill_at)
		kill_tree(s);
}

static bool finished(struct shim *s)
{
	if (!s->main_reaped || !s->tree_gone)
		return false;
	if (s->released)
		release_output(s);
	return s->output[0] < 0 && s->output[1] < 0;
}

enum { SIGNALS, CONTROL, INPUT, STDOUT, STDERR, POLLED };

static void serve(struct shim *s)
{
	struct terminal *t = &s->terminal;
	while (!finished(s)) {
		struct pollfd polled[POLLED] = {
			[SIGNALS] = {.fd = s->signals, .events = POLLIN},
			[CONTROL] = {.fd = s->control, .events = POLLIN},
			/* Without events: POLLERR says that no reader is left. */
			[INPUT] = {.fd = s->stdin_writer},
			[STDOUT] = {.fd = s->output[0], .events = POLLIN},
			[STDERR] = {.fd = s->output[1], .events = POLLIN},
		};
		if (t->master >= 0) {
			bool unsent = t->sent < t->length || t->end_of_file;
			if (unsent)
				polled[STDOUT].events |= POLLOUT;
			else
				polled[INPUT] = (struct pollfd){.fd = t->input, .events = POLLIN};
		}
		if (poll(polled, POLLED, timeout(s)) < 0)
			continue; /* EINTR */
		/* The exit status before anything else. */
		if (polled[SIGNALS].revents != 0)
			on_child_signal(s);
		if (polled[CONTROL].revents != 0)
			on_control(s);
		if (polled[INPUT].revents & POLLERR && s->stdin_writer >= 0)
			let_go_of_stdin(s, &s->stdin_writer);
		if (t->master >= 0 && ((polled[INPUT].revents & POLLIN) || (polled[STDOUT].revents & POLLOUT)))
			terminal_pump(t);
		/* Standard output first, one read each a round: fair to both. */
		if (polled[STDOUT].revents & ~POLLOUT && s->output[0] >= 0)
			take_output(s, 0);
		if (polled[STDERR].revents != 0 && s->output[1] >= 0)
			take_output(s, 1);
		on_timers(s);
	}
}

static void record_done(struct shim *s)
{
	ring_begin(&s->ring);
	s->ring.header->finished = now_ns();
	s->ring.header->flags |= PM_RING_DONE;
	ring_end(&s->ring);
	events_post(&s->events, PM_EVENT_STATE);
}

static void deliver_events(struct shim *s)
{
	while (s->events.pending.kinds != 0) {
		poll(NULL, 0, timeout(s));
		on_timers(s);
	}
}

static int enter_run(const struct pm_request *request)
{
	char path[96];
	const uint8_t *u = request->uuid;
	snprintf(path, sizeof path,
	         "p/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x/%u", u[0], u[1], u[2], u[3],
	         u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15], (unsigned)request->run);
	return chdir(path) == 0 ? 0 : errno;
}

static void identify(struct shim *s, const struct pm_request *request)
{
	struct proc_stat stat = {0};
	proc_stat(getpid(), &stat);
	struct pm_ring *h = s->ring.header;
	h->state = PM_STATE_STARTING;
	h->run = request->run;
	memcpy(h->uuid, request->uuid, sizeof h->uuid);
	h->shim_pid = (uint32_t)getpid();
	h->shim_start = stat.start;
}

int shim_run(const struct pm_request *request, int events_fd, int lock_fd)
{
	struct shim s = {
		.events = {.fd = events_fd, .pending = {.run = request->run}},
		.terminal = {.master = -1, .slave = -1, .input = -1},
		.signals = -1,
		.control = -1,
		.output = {-1, -1},
		.stdin_writer = -1,
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
	identify(&s, request);
	ring_publish(&s.ring);
	close(lock_fd);
	bool started = start(&s, &spec);
	spec_close(&spec);
	if (started) {
		serve(&s);
		record_done(&s);
	}
	/* Nobody listens any more, and a sender shall know. */
	if (s.control >= 0)
		close(s.control);
	deliver_events(&s);
	return 0;
}
