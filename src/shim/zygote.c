#include "zygote.h"

#include "probe.h"
#include "protocol.h"
#include "shim.h"
#include "signals.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_CAPACITY (1024 * 1024)

struct forked {
	pid_t pid;
	uint32_t run;
	uint8_t uuid[16];
};

/* A shim of an earlier zygote. */
struct adopted {
	struct adopted *next;
	struct adopted **link; /* what points here */
	int pidfd;
	struct forked shim;
};

/* A process that runs a probe, and writes what came of it into shared memory. */
struct probe {
	pid_t pid; /* 0: free */
	uint8_t uuid[16];
};

static struct {
	int lock;
	int events;
	int signals;
	int epoll;
	struct forked *shims;
	size_t count;
	size_t room;
	struct adopted *adopted;
	struct probe probes[PM_PROBES_MOST];
	struct probe_result *results; /* one for each of them */
	/* Replies that the daemon does not take yet: it may be stopped. */
	char *unsent;
	size_t unsent_length;
	size_t unsent_room;
} zygote;

/* What a struct epoll_event points at. */
static char from_stdin, from_signals, to_stdout;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "pm-shim zygote: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Sends what it can; -1: the daemon is gone, and so are we at end of file. */
static ssize_t send_now(const char *bytes, size_t length)
{
	ssize_t n;
	do
		n = write(STDOUT_FILENO, bytes, length);
	while (n < 0 && errno == EINTR);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

/* Never waits: a probe's time-out, and a shim's end, must not wait for a daemon. */
static void send_reply(const void *bytes, size_t length)
{
	ssize_t sent = zygote.unsent_length == 0 ? send_now(bytes, length) : 0;
	if (sent < 0 || (size_t)sent == length)
		return;
	size_t left = length - (size_t)sent;
	if (zygote.unsent_length + left > zygote.unsent_room) {
		size_t room = (zygote.unsent_length + left) * 2;
		char *unsent = realloc(zygote.unsent, room);
		if (unsent == NULL)
			give_up("realloc");
		zygote.unsent = unsent;
		zygote.unsent_room = room;
	}
	memcpy(zygote.unsent + zygote.unsent_length, (const char *)bytes + sent, left);
	if (zygote.unsent_length == 0) {
		struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &to_stdout};
		if (epoll_ctl(zygote.epoll, EPOLL_CTL_ADD, STDOUT_FILENO, &event) != 0)
			give_up("epoll_ctl");
	}
	zygote.unsent_length += left;
}

static void on_stdout(void)
{
	ssize_t sent = send_now(zygote.unsent, zygote.unsent_length);
	zygote.unsent_length -= sent < 0 ? zygote.unsent_length : (size_t)sent;
	if (zygote.unsent_length > 0) {
		memmove(zygote.unsent, zygote.unsent + sent, zygote.unsent_length);
		return;
	}
	epoll_ctl(zygote.epoll, EPOLL_CTL_DEL, STDOUT_FILENO, NULL);
	free(zygote.unsent);
	zygote.unsent = NULL;
	zygote.unsent_room = 0;
}

static void reply(const struct pm_reply *message) { send_reply(message, sizeof *message); }

static struct pm_reply reply_about(uint32_t type, const struct forked *shim)
{
	struct pm_reply message = {.type = type, .run = shim->run, .pid = (uint32_t)shim->pid};
	memcpy(message.uuid, shim->uuid, sizeof message.uuid);
	return message;
}

/* Takes it off the list. */
static void forget_adopted(struct adopted *adopted)
{
	*adopted->link = adopted->next;
	if (adopted->next != NULL)
		adopted->next->link = adopted->link;
	free(adopted);
}

/* ---- forking --------------------------------------------------------- */

/* Keeps the events FIFO and the lock, at 3 and 4, and lets go of all else. */
static _Noreturn void become_shim(const struct pm_request *request, uint64_t before_fork)
{
	int events = fcntl(zygote.events, F_DUPFD_CLOEXEC, 10);
	int lock = fcntl(zygote.lock, F_DUPFD_CLOEXEC, 10);
	int null = open("/dev/null", O_RDWR);
	if (events < 0 || lock < 0 || null < 0)
		_exit(errno);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			_exit(errno);
	if (dup3(events, 3, O_CLOEXEC) < 0 || dup3(lock, 4, O_CLOEXEC) < 0 ||
	    syscall(SYS_close_range, 5u, UINT_MAX, 0u) != 0)
		_exit(errno);
	free(zygote.shims);
	while (zygote.adopted != NULL)
		forget_adopted(zygote.adopted);
	_exit(shim_run(request, before_fork, 3, 4));
}

static int make_room(void)
{
	if (zygote.count < zygote.room)
		return 0;
	size_t room = zygote.room == 0 ? 64 : zygote.room * 2;
	struct forked *shims = realloc(zygote.shims, room * sizeof *shims);
	if (shims == NULL)
		return ENOMEM;
	zygote.shims = shims;
	zygote.room = room;
	return 0;
}

static void start(const struct pm_request *request)
{
	struct forked shim = {.run = request->run};
	memcpy(shim.uuid, request->uuid, sizeof shim.uuid);
	int error = make_room();
	if (error == 0) {
		uint64_t before_fork = boot_ns();
		shim.pid = fork();
		if (shim.pid == 0)
			become_shim(request, before_fork);
		if (shim.pid < 0)
			error = errno;
	}
	struct pm_reply message = reply_about(error == 0 ? PM_REPLY_FORKED : PM_REPLY_FAILED, &shim);
	if (error == 0) {
		zygote.shims[zygote.count++] = shim;
	} else {
		message.pid = 0;
		message.error = error;
		message.step = PM_STEP_SHIM;
	}
	reply(&message);
}

/* ---- probes ---------------------------------------------------------- */

static void refuse_probe(const struct pm_request *request, int error)
{
	struct pm_reply message = {.type = PM_REPLY_PROBED, .error = error, .step = PM_STEP_FORK};
	memcpy(message.uuid, request->uuid, sizeof message.uuid);
	reply(&message);
}

static _Noreturn void become_prober(const struct pm_request *request, struct probe_result *result, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			_exit(1);
	if (syscall(SYS_close_range, 3u, UINT_MAX, 0u) != 0)
		_exit(1);
	_exit(probe_run(request, result, parent));
}

static void probe(const struct pm_request *request)
{
	size_t slot = 0;
	while (slot < PM_PROBES_MOST && zygote.probes[slot].pid != 0)
		slot++;
	if (slot == PM_PROBES_MOST) {
		refuse_probe(request, EAGAIN);
		return;
	}
	struct probe_result *result = &zygote.results[slot];
	result->complete = false;
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		become_prober(request, result, parent);
	if (pid < 0) {
		refuse_probe(request, errno);
		return;
	}
	zygote.probes[slot].pid = pid;
	memcpy(zygote.probes[slot].uuid, request->uuid, sizeof request->uuid);
}

static void cancel_probe(const struct pm_request *request)
{
	for (size_t i = 0; i < PM_PROBES_MOST; i++)
		if (zygote.probes[i].pid != 0 && memcmp(zygote.probes[i].uuid, request->uuid, sizeof request->uuid) == 0)
			kill(zygote.probes[i].pid, SIGTERM);
}

static bool on_prober_gone(pid_t pid)
{
	size_t slot = 0;
	while (slot < PM_PROBES_MOST && zygote.probes[slot].pid != pid)
		slot++;
	if (slot == PM_PROBES_MOST)
		return false;
	const struct probe_result *result = &zygote.results[slot];
	struct pm_reply message = {.type = PM_REPLY_PROBED};
	memcpy(message.uuid, zygote.probes[slot].uuid, sizeof message.uuid);
	if (result->complete) {
		message.error = result->error;
		message.step = result->step;
		message.wait_status = result->wait_status;
		message.flags = result->flags;
		message.length = result->length;
	} else {
		/* Killed by somebody, or without memory. */
		message.error = ECANCELED;
		message.step = PM_STEP_FORK;
	}
	zygote.probes[slot].pid = 0;
	reply(&message);
	if (message.length > 0)
		send_reply(result->output, message.length);
	return true;
}

/* ---- the end of shims and probes ------------------------------------- */

static void on_shim_gone(pid_t pid, int status)
{
	for (size_t i = 0; i < zygote.count; i++) {
		if (zygote.shims[i].pid != pid)
			continue;
		struct pm_reply message = reply_about(PM_REPLY_GONE, &zygote.shims[i]);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
			message.error = WEXITSTATUS(status) & ~PM_EXIT_OUTPUT;
			message.step = WEXITSTATUS(status) & PM_EXIT_OUTPUT ? PM_STEP_OUTPUT : PM_STEP_PREPARE;
		}
		zygote.shims[i] = zygote.shims[--zygote.count];
		reply(&message);
		return;
	}
}

static void on_child_signal(void)
{
	struct signalfd_siginfo info;
	while (read(zygote.signals, &info, sizeof info) > 0)
		;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!on_prober_gone(pid))
			on_shim_gone(pid, status);
}

/* ---- adopting -------------------------------------------------------- */

static void fail_adoption(struct adopted *adopted, int error)
{
	/* No such process: that is the answer, not a failure. */
	struct pm_reply message = reply_about(error == ESRCH ? PM_REPLY_GONE : PM_REPLY_FAILED, &adopted->shim);
	if (error != ESRCH) {
		message.error = error;
		message.step = PM_STEP_SHIM;
	}
	reply(&message);
	if (adopted->pidfd >= 0) {
		/* A shim that is being forked has it open too, and epoll would go on telling of it. */
		epoll_ctl(zygote.epoll, EPOLL_CTL_DEL, adopted->pidfd, NULL);
		close(adopted->pidfd);
	}
	forget_adopted(adopted);
}

static void adopt(const struct pm_request *request)
{
	struct adopted *adopted = malloc(sizeof *adopted);
	if (adopted == NULL)
		give_up("malloc");
	adopted->next = zygote.adopted;
	adopted->link = &zygote.adopted;
	if (adopted->next != NULL)
		adopted->next->link = &adopted->next;
	zygote.adopted = adopted;
	adopted->shim = (struct forked){.pid = (pid_t)request->shim_pid, .run = request->run};
	memcpy(adopted->shim.uuid, request->uuid, sizeof request->uuid);
	adopted->pidfd = (int)syscall(SYS_pidfd_open, adopted->shim.pid, 0);
	if (adopted->pidfd < 0) {
		fail_adoption(adopted, errno == EINVAL ? ESRCH : errno);
		return;
	}
	/* After opening: now the pid cannot come to mean another process unseen. */
	struct proc_stat stat;
	if (proc_stat(adopted->shim.pid, &stat) != 0 || stat.start != request->shim_start) {
		fail_adoption(adopted, ESRCH);
		return;
	}
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = adopted};
	if (epoll_ctl(zygote.epoll, EPOLL_CTL_ADD, adopted->pidfd, &event) != 0)
		fail_adoption(adopted, errno);
}

static void on_adopted_gone(struct adopted *adopted) { fail_adoption(adopted, ESRCH); }

/* ---- serving --------------------------------------------------------- */

static void serve_request(const struct pm_request *request)
{
	switch (request->type) {
	case PM_REQUEST_START:
		start(request);
		break;
	case PM_REQUEST_ADOPT:
		adopt(request);
		break;
	case PM_REQUEST_PROBE:
		probe(request);
		break;
	case PM_REQUEST_CANCEL:
		cancel_probe(request);
		break;
	}
}

/* Whether there may be more. */
static bool on_stdin(void)
{
	static struct pm_request buffer[128];
	static size_t held;
	ssize_t n = read(STDIN_FILENO, (char *)buffer + held, sizeof buffer - held);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	held += (size_t)n;
	size_t whole = held / sizeof buffer[0];
	for (size_t i = 0; i < whole; i++)
		serve_request(&buffer[i]);
	held -= whole * sizeof buffer[0];
	memmove(buffer, &buffer[whole], held);
	return true;
}

static void watch(int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
	if (epoll_ctl(zygote.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		give_up("epoll_ctl");
}

static void serve(void)
{
	for (;;) {
		struct epoll_event ready[64];
		int count = epoll_wait(zygote.epoll, ready, 64, -1);
		bool readable = false;
		for (int i = 0; i < count; i++) {
			void *what = ready[i].data.ptr;
			if (what == &from_stdin)
				readable = true;
			else if (what == &from_signals)
				on_child_signal();
			else if (what == &to_stdout)
				on_stdout();
			else
				on_adopted_gone(what);
		}
		if (readable && !on_stdin())
			return;
	}
}

/* ---- preparing ------------------------------------------------------- */

static void open_signals(void)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	zygote.signals = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
	if (zygote.signals < 0)
		give_up("signalfd");
}

/* The daemon that waits for us has ended: nobody needs us, and its directory is no longer ours to write to. */
static void leave_if_abandoned(int number)
{
	(void)number;
	int error = errno;
	struct pollfd input = {.fd = STDIN_FILENO};
	if (poll(&input, 1, 0) == 1 && (input.revents & POLLHUP) != 0)
		_exit(0);
	errno = error;
}

/* flock(2) waits for nothing else: SIGIO tells of the end of standard input meanwhile. */
static void take_lock(void)
{
	zygote.lock = open("zygote.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (zygote.lock < 0)
		give_up("zygote.lock");
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	signal(SIGIO, leave_if_abandoned);
	fcntl(STDIN_FILENO, F_SETOWN, getpid());
	fcntl(STDIN_FILENO, F_SETFL, flags | O_ASYNC);
	leave_if_abandoned(SIGIO);
	while (flock(zygote.lock, LOCK_EX) != 0)
		if (errno != EINTR)
			give_up("zygote.lock");
	fcntl(STDIN_FILENO, F_SETFL, flags);
	/* Ignoring it drops one that is pending. */
	signal(SIGIO, SIG_IGN);
	signal(SIGIO, SIG_DFL);
}

/* For writing only, lest an unread FIFO look as if it were read. */
static void open_events(void)
{
	if (mkfifo("events", 0600) != 0 && errno != EEXIST)
		give_up("events");
	int reader = open("events", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (reader < 0)
		give_up("events");
	zygote.events = open("events", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (zygote.events < 0)
		give_up("events");
	/* 64 KiB overflow at some thousand exits at once. Beyond the user's limit
	 * (EPERM) the FIFO stays as it is: events are kept and retried. */
	fcntl(zygote.events, F_SETPIPE_SZ, EVENTS_CAPACITY);
	close(reader);
}

/* The zygote and the shims hold many descriptors; a process whose spec names no
 * limit gets the one that held before. */
static void raise_descriptor_limit(void)
{
	if (getrlimit(RLIMIT_NOFILE, &inherited_nofile) != 0)
		give_up("getrlimit");
	struct rlimit raised = {inherited_nofile.rlim_max, inherited_nofile.rlim_max};
	setrlimit(RLIMIT_NOFILE, &raised);
}

static void share_results(void)
{
	size_t size = PM_PROBES_MOST * sizeof *zygote.results;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		give_up("mmap");
	zygote.results = map;
}

int zygote_run(void)
{
	syscall(SYS_close_range, 3u, UINT_MAX, 0u);
	setsid();
	prctl(PR_SET_NAME, "pm-zygote");
	ignore_signals();
	open_signals();
	/* For our own files; a process gets its spec's. */
	umask(077);
#ifdef PM_FAULTS
	map_clock_offset();
#endif
	raise_descriptor_limit();
	take_lock();
	open_events();
	share_results();
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	zygote.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (zygote.epoll < 0)
		give_up("epoll_create1");
	watch(STDIN_FILENO, &from_stdin);
	watch(zygote.signals, &from_signals);
	reply(&(struct pm_reply){.type = PM_REPLY_READY});
	serve();
	return 0;
}
