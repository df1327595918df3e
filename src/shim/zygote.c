#include "zygote.h"

#include "probe.h"
#include "protocol.h"
#include "shim.h"
#include "signals.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
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

struct shim {
	pid_t pid;
	uint32_t run;
	uint8_t uuid[16];
	int pidfd; /* of one of an earlier zygote; -1: our child */
};

/* A process that runs a probe, and writes what came of it into shared memory. */
struct probe {
	pid_t pid; /* 0: free */
	uint8_t uuid[16];
};

/* A shim keeps the lock and the events FIFO; what children do not keep comes after. */
enum { NULL_DEVICE = 3, LOCK, EVENTS, FIRST_OF_OURS };

static struct {
	int signals;
	int epoll;
	struct shim *shims; /* children never see it */
	size_t count;
	size_t room;
	struct probe probes[PM_PROBES_MOST];
	struct probe_result *results; /* one for each of them */
	/* Replies that the daemon does not take yet: it may be stopped. */
	char *unsent;
	size_t unsent_length;
	size_t unsent_room;
} zygote;

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
		struct epoll_event event = {.events = EPOLLOUT, .data.fd = STDOUT_FILENO};
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

static struct pm_reply reply_about(uint32_t type, const struct shim *shim)
{
	struct pm_reply message = {.type = type, .run = shim->run, .pid = (uint32_t)shim->pid};
	memcpy(message.uuid, shim->uuid, sizeof message.uuid);
	return message;
}

/* ---- the shims ------------------------------------------------------- */

static int make_room(void)
{
	if (zygote.count < zygote.room)
		return 0;
	size_t size = zygote.room * sizeof *zygote.shims;
	size_t larger = size == 0 ? 4 * PM_PAGE : size * 2;
	void *map = size == 0 ? mmap(NULL, larger, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
	                      : mremap(zygote.shims, size, larger, MREMAP_MAYMOVE);
	/* A page that is written to after each fork would be copied each time, and kept by each shim. */
	if (map == MAP_FAILED || (size == 0 && madvise(map, larger, MADV_DONTFORK) != 0))
		return errno;
	zygote.shims = map;
	zygote.room = larger / sizeof *zygote.shims;
	return 0;
}

static void forget_shim(struct shim *shim) { *shim = zygote.shims[--zygote.count]; }

/* ---- forking --------------------------------------------------------- */

/* Without a copy of our descriptors, of which there may be thousands (a pidfd of
 * each shim of an earlier zygote): the child shares them until drop_descriptors().
 * The C library is not told of it, which it needs for threads and for musl's
 * raise(3) and abort(3) alone. */
static pid_t fork_sharing_descriptors(void)
{
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), 0L, 0L, 0L, 0L);
}

/* Keeps those below `end`, with the null device as the standard streams. 0 or an errno. */
static int drop_descriptors(unsigned int end)
{
	if (syscall(SYS_close_range, end, UINT_MAX, CLOSE_RANGE_UNSHARE) != 0)
		return errno;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(NULL_DEVICE, fd) < 0)
			return errno;
	close(NULL_DEVICE);
	return 0;
}

static _Noreturn void become_shim(const struct pm_request *request, uint64_t before_fork)
{
	int error = drop_descriptors(FIRST_OF_OURS);
	_exit(error != 0 ? error : shim_run(request, before_fork, EVENTS, LOCK));
}

static void start(const struct pm_request *request)
{
	struct shim shim = {.run = request->run, .pidfd = -1};
	memcpy(shim.uuid, request->uuid, sizeof shim.uuid);
	int error = make_room();
	if (error == 0) {
		uint64_t before_fork = boot_ns();
		shim.pid = fork_sharing_descriptors();
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
	if (drop_descriptors(LOCK) != 0)
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
	pid_t pid = fork_sharing_descriptors();
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
		if (zygote.shims[i].pid != pid || zygote.shims[i].pidfd >= 0)
			continue;
		struct pm_reply message = reply_about(PM_REPLY_GONE, &zygote.shims[i]);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
			message.error = WEXITSTATUS(status) & ~PM_EXIT_OUTPUT;
			message.step = WEXITSTATUS(status) & PM_EXIT_OUTPUT ? PM_STEP_OUTPUT : PM_STEP_PREPARE;
		}
		forget_shim(&zygote.shims[i]);
		reply(&message);
		return;
	}
}

static void on_child_signal(void)
{
	struct signalfd_siginfo info;
	ssize_t ignored = read(zygote.signals, &info, sizeof info);
	(void)ignored;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!on_prober_gone(pid))
			on_shim_gone(pid, status);
}

/* ---- adopting -------------------------------------------------------- */

static void refuse_adoption(const struct shim *shim, int error)
{
	/* No such process: that is the answer, not a failure. */
	struct pm_reply message = reply_about(error == ESRCH ? PM_REPLY_GONE : PM_REPLY_FAILED, shim);
	if (error != ESRCH) {
		message.error = error;
		message.step = PM_STEP_SHIM;
	}
	reply(&message);
	if (shim->pidfd >= 0)
		close(shim->pidfd);
}

/* Watches the shim; 0 or an errno. */
static int watch_shim(struct shim *shim, uint64_t start)
{
	shim->pidfd = (int)syscall(SYS_pidfd_open, shim->pid, 0);
	if (shim->pidfd < 0)
		return errno == EINVAL ? ESRCH : errno;
	/* After opening: now the pid cannot come to mean another process unseen. */
	struct proc_stat stat;
	if (proc_stat(shim->pid, &stat) != 0 || stat.start != start)
		return ESRCH;
	int error = make_room();
	struct epoll_event event = {.events = EPOLLIN, .data.fd = shim->pidfd};
	if (error == 0 && epoll_ctl(zygote.epoll, EPOLL_CTL_ADD, shim->pidfd, &event) != 0)
		error = errno;
	return error;
}

static void adopt(const struct pm_request *request)
{
	struct shim shim = {.pid = (pid_t)request->shim_pid, .run = request->run};
	memcpy(shim.uuid, request->uuid, sizeof request->uuid);
	int error = watch_shim(&shim, request->shim_start);
	if (error == 0)
		zygote.shims[zygote.count++] = shim;
	else
		refuse_adoption(&shim, error);
}

static void on_adopted_gone(int pidfd)
{
	size_t i = 0;
	while (i < zygote.count && zygote.shims[i].pidfd != pidfd)
		i++;
	if (i == zygote.count)
		return;
	/* A child that is dropping its descriptors may have it open too, and epoll would go on telling of it. */
	epoll_ctl(zygote.epoll, EPOLL_CTL_DEL, pidfd, NULL);
	refuse_adoption(&zygote.shims[i], ESRCH);
	forget_shim(&zygote.shims[i]);
}

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

static void watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
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
			int fd = ready[i].data.fd;
			if (fd == STDIN_FILENO)
				readable = true;
			else if (fd == zygote.signals)
				on_child_signal();
			else if (fd == STDOUT_FILENO)
				on_stdout();
			else
				on_adopted_gone(fd);
		}
		if (readable && !on_stdin())
			return;
	}
}

/* ---- preparing ------------------------------------------------------- */

/* Gives a new descriptor the number that children know it by. */
static void place(int fd, int number, const char *what)
{
	if (fd < 0 || (fd != number && dup3(fd, number, O_CLOEXEC) < 0))
		give_up(what);
	if (fd != number)
		close(fd);
}

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
	place(open("zygote.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), LOCK, "zygote.lock");
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	signal(SIGIO, leave_if_abandoned);
	fcntl(STDIN_FILENO, F_SETOWN, getpid());
	fcntl(STDIN_FILENO, F_SETFL, flags | O_ASYNC);
	leave_if_abandoned(SIGIO);
	while (flock(LOCK, LOCK_EX) != 0)
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
	int writer = open("events", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (writer < 0)
		give_up("events");
	/* 64 KiB overflow at some thousand exits at once. Beyond the user's limit
	 * (EPERM) the FIFO stays as it is: events are kept and retried. */
	fcntl(writer, F_SETPIPE_SZ, EVENTS_CAPACITY);
	/* Here, where the reader may have been. */
	place(writer, EVENTS, "events");
	if (reader != EVENTS)
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
	/* For our own files; a process gets its spec's. */
	umask(077);
#ifdef PM_FAULTS
	map_clock_offset();
#endif
	raise_descriptor_limit();
	place(open("/dev/null", O_RDWR | O_CLOEXEC), NULL_DEVICE, "/dev/null");
	take_lock();
	open_events();
	open_signals();
	share_results();
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	zygote.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (zygote.epoll < 0)
		give_up("epoll_create1");
	watch(STDIN_FILENO);
	watch(zygote.signals);
	reply(&(struct pm_reply){.type = PM_REPLY_READY});
	serve();
	return 0;
}
