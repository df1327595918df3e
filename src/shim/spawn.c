#include "spawn.h"

#include "signals.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan {
	const struct spec *spec;
	const int *fds;
	const char *cgroup_procs; /* NULL: none */
	pid_t shim;
	/* Written by the child, which shares our memory until it execs or exits. */
	volatile struct failure failure;
	volatile uint64_t forked; /* boot_ns(), just then */
};

_Noreturn static void fail(struct plan *plan, enum pm_step step, int error, uint32_t path)
{
	plan->failure.step = step;
	plan->failure.error = error;
	plan->failure.path = path;
	_exit(127);
}

static void join_cgroup(struct plan *plan)
{
	int fd = open(plan->cgroup_procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail(plan, PM_STEP_CGROUP, errno, 0);
	close(fd);
}

/* Before the limits: RLIMIT_NOFILE may leave no descriptor to open it with. */
static void set_oom_score(struct plan *plan)
{
	/* No stdio after vfork(2). */
	char text[12];
	char *at = text + sizeof text;
	int32_t score = plan->spec->head->oom_score_adj;
	uint32_t left = score < 0 ? -(uint32_t)score : (uint32_t)score;
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (score < 0)
		*--at = '-';
	/* The kernel knows a vforked child: the shim keeps its own. */
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t length = text + sizeof text - at;
	if (fd < 0 || write(fd, at, (size_t)length) != length)
		fail(plan, PM_STEP_PRIORITY, errno, 1);
	close(fd);
}

static void set_limits(struct plan *plan)
{
	if (setrlimit(RLIMIT_NOFILE, &inherited_nofile) != 0)
		fail(plan, PM_STEP_LIMITS, errno, 0);
	const struct spec *spec = plan->spec;
	for (uint32_t i = 0; i < spec->head->rlimit_count; i++) {
		const struct pm_rlimit *limit = &spec->rlimits[i];
		/* struct rlimit64, whose "unlimited" is UINT64_MAX too. */
		const uint64_t value[2] = {limit->soft, limit->hard};
		if (syscall(SYS_prlimit64, 0, limit->resource, value, NULL) != 0)
			fail(plan, PM_STEP_LIMITS, errno, i);
	}
}

/* Tries the paths with the rules of execvp(3), but no shell for ENOEXEC. */
_Noreturn static void exec_paths(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	int error = ENOENT;
	uint32_t about = 0;
	for (uint32_t i = 0; i < spec->head->path_count; i++) {
		execve(spec->paths[i], spec->arguments, spec->environment);
		switch (errno) {
		case EACCES:
			if (error != EACCES) {
				error = EACCES;
				about = i;
			}
			break;
		case ENOENT:
		case ENOTDIR:
		case ESTALE:
		case ENODEV:
		case ETIMEDOUT:
			if (i == 0)
				error = errno;
			break;
		default:
			fail(plan, PM_STEP_EXEC, errno, i);
		}
	}
	fail(plan, PM_STEP_EXEC, error, about);
}

/* In the vforked child: system calls only, and the vDSO's. */
_Noreturn static void run_child(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	plan->forked = boot_ns();
	if (setsid() < 0)
		fail(plan, PM_STEP_SESSION, errno, 0);
	if ((spec->head->flags & PM_SPEC_TTY) != 0 && ioctl(plan->fds[0], TIOCSCTTY, 0) != 0)
		fail(plan, PM_STEP_SESSION, errno, 0);
	if (plan->cgroup_procs != NULL)
		join_cgroup(plan);
	if (spec->head->flags & PM_SPEC_OOM)
		set_oom_score(plan);
	set_limits(plan);
	/*
	 * After the limits: RLIMIT_NICE may be what allows it. Where nothing is
	 * asked for it is 0, if that can be had: not what the daemon happens to have.
	 */
	bool asked = (spec->head->flags & PM_SPEC_NICE) != 0;
	if (setpriority(PRIO_PROCESS, 0, asked ? spec->head->nice : 0) != 0 && asked)
		fail(plan, PM_STEP_PRIORITY, errno, 0);
	/* If the shim is killed nothing may run on unmanaged. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		fail(plan, PM_STEP_SESSION, errno, 0);
	if (getppid() != plan->shim)
		_exit(127);
	for (int i = 0; i < 3; i++)
		if (dup2(plan->fds[i], i) < 0)
			fail(plan, PM_STEP_STDIO, errno, 0);
	umask((mode_t)spec->head->umask);
	if (chdir(spec->cwd) != 0)
		fail(plan, PM_STEP_CHDIR, errno, 0);
	default_signals();
	exec_paths(plan);
}

/* A function of its own: nothing here lives across vfork(2) but the plan. */
__attribute__((noinline)) static pid_t fork_and_run(struct plan *plan)
{
	pid_t pid = vfork();
	if (pid == 0)
		run_child(plan);
	return pid;
}

pid_t spawn(const struct spec *spec, const int fds[3], struct failure *failure, uint64_t *start)
{
	static char cgroup_procs[PATH_MAX]; /* untouched it takes no page */
	struct plan plan = {.spec = spec, .fds = fds, .shim = getpid()};
	if (spec->cgroup[0] != '\0') {
		int length = snprintf(cgroup_procs, sizeof cgroup_procs, "%s/cgroup.procs", spec->cgroup);
		if (length < 0 || (size_t)length >= sizeof cgroup_procs) {
			*failure = (struct failure){PM_STEP_CGROUP, ENAMETOOLONG, 0};
			return -1;
		}
		plan.cgroup_procs = cgroup_procs;
	}
	uint64_t before = boot_ns();
	pid_t pid = fork_and_run(&plan);
	if (pid < 0) {
		*failure = (struct failure){PM_STEP_FORK, errno, 0};
		return -1;
	}
	if (plan.failure.step != 0) {
		failure->step = plan.failure.step;
		failure->error = plan.failure.error;
		failure->path = plan.failure.path;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return -1;
	}
	/* It cannot be gone: nobody has reaped it. */
	*start = start_between(before, plan.forked, pid);
	return pid;
}
