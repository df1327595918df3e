#include "probe.h"

#include "spawn.h"
#include "spec.h"
#include "tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What cannot be killed in this time is left to init. */
#define KILL_MOST_MS 2000
#define KILL_PAUSE_MS 2
#define READS_MOST 64

struct prober {
	struct probe_result *result;
	pid_t command;
	bool reaped;
	bool tree_gone;
	int signals;
	int output; /* -1: ended */
};

static void take_output(struct prober *p)
{
	struct probe_result *result = p->result;
	char scratch[4096];
	/* A bound, since a descendant may write for ever. */
	for (int i = 0; i < READS_MOST && p->output >= 0; i++) {
		uint32_t room = PM_PROBE_OUTPUT_MOST - result->length;
		ssize_t n = read(p->output, room > 0 ? (void *)(result->output + result->length) : scratch,
		                 room > 0 ? room : sizeof scratch);
		if (n > 0) {
			if (room > 0)
				result->length += (uint32_t)n;
			else
				result->flags |= PM_PROBE_CUT;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			if (n == 0 || errno != EAGAIN) {
				close(p->output);
				p->output = -1;
			}
			return;
		}
	}
}

static void reap(struct prober *p)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == p->command) {
			p->reaped = true;
			p->result->wait_status = status;
		}
	if (pid < 0 && errno == ECHILD)
		p->tree_gone = true;
}

/* Nothing of a probe outlives it. */
static void kill_tree(struct prober *p)
{
	int64_t until = monotonic_ms() + KILL_MOST_MS;
	for (;;) {
		reap(p);
		if (p->tree_gone || monotonic_ms() >= until)
			return;
		struct tree_walk walk;
		tree_walk_begin(&walk, SIGKILL, 0);
		tree_walk_step(&walk, KILL_MOST_MS);
		tree_walk_end(&walk);
		struct pollfd polled = {.fd = p->signals, .events = POLLIN};
		poll(&polled, 1, KILL_PAUSE_MS);
		struct signalfd_siginfo info;
		while (read(p->signals, &info, sizeof info) > 0)
			;
	}
}

/* Until the command has ended, its time is up or nobody wants to know. */
static void watch(struct prober *p, uint32_t timeout_ms)
{
	int64_t until = monotonic_ms() + timeout_ms;
	while (!p->reaped) {
		int64_t left = until - monotonic_ms();
		if (left <= 0) {
			p->result->flags |= PM_PROBE_TIMED_OUT;
			return;
		}
		struct pollfd polled[2] = {
			{.fd = p->signals, .events = POLLIN},
			{.fd = p->output, .events = POLLIN},
		};
		poll(polled, 2, left < INT_MAX ? (int)left : INT_MAX);
		struct signalfd_siginfo info;
		while (read(p->signals, &info, sizeof info) > 0)
			if (info.ssi_signo == SIGTERM) {
				p->result->flags |= PM_PROBE_CANCELED;
				return;
			}
		if (polled[1].revents != 0)
			take_output(p);
		reap(p);
	}
}

static void start(struct prober *p, const struct spec *spec)
{
	struct failure failure = {PM_STEP_PIPE, 0, 0};
	int pipe_fds[2] = {-1, -1};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || pipe2(pipe_fds, O_CLOEXEC) != 0 || fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) != 0) {
		failure.error = errno;
	} else {
		const int fds[3] = {null, pipe_fds[1], pipe_fds[1]};
		failure = (struct failure){0};
		uint64_t start;
		p->command = spawn(spec, fds, &failure, &start);
		p->output = pipe_fds[0];
		close(pipe_fds[1]);
		close(null);
	}
	p->result->step = failure.step;
	p->result->error = failure.error;
}

static int prepare(struct prober *p, pid_t parent)
{
	setsid();
	prctl(PR_SET_NAME, "pm-probe");
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	signal(SIGTERM, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &wanted, NULL) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    (p->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC)) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return errno;
	return getppid() == parent ? 0 : ECANCELED;
}

int probe_run(const struct pm_request *request, struct probe_result *result, pid_t parent)
{
	struct prober p = {.result = result, .signals = -1, .output = -1};
	char uuid[UUID_TEXT_SIZE], path[64];
	struct spec spec;
	result->wait_status = 0;
	result->flags = 0;
	result->length = 0;
	result->step = PM_STEP_PREPARE;
	format_uuid(uuid, request->uuid);
	snprintf(path, sizeof path, "probes/%s", uuid);
	result->error = prepare(&p, parent);
	if (result->error == 0)
		result->error = spec_open(&spec, path);
	if (result->error == 0) {
		start(&p, &spec);
		spec_close(&spec);
	}
	if (result->error == 0) {
		watch(&p, request->timeout_ms);
		kill_tree(&p);
		take_output(&p);
	}
	result->complete = true;
	return 0;
}
