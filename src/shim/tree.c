#include "tree.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSES_MOST 16
/* No third pass after this time: a tree that forks faster is to be killed. The
 * second comes always: a walk may have waited for the processor that long. */
#define PASSES_MOST_MS 250
#define PROCESSES_MOST 1000000u
/* Between two looks at the clock. */
#define PROCESSES_AT_ONCE 16

static void enqueue(struct tree_walk *walk, pid_t pid, pid_t parent)
{
	if (walk->count == PROCESSES_MOST)
		return;
	if (walk->count == walk->room) {
		size_t room = walk->room == 0 ? 64 : walk->room * 2;
		struct tree_process *queue = realloc(walk->queue, room * sizeof *queue);
		if (queue == NULL)
			return;
		walk->queue = queue;
		walk->room = room;
	}
	walk->queue[walk->count++] = (struct tree_process){pid, parent};
}

static size_t slot_of(const pid_t *seen, size_t room, pid_t pid)
{
	size_t slot = (uint32_t)pid * 2654435761u & (room - 1);
	while (seen[slot] != 0 && abs(seen[slot]) != pid)
		slot = (slot + 1) & (room - 1);
	return slot;
}

enum seen { UNSEEN, SIGNALED, DEAD };

static enum seen look_up(const struct tree_walk *walk, pid_t pid)
{
	pid_t found = walk->seen_room > 0 ? walk->seen[slot_of(walk->seen, walk->seen_room, pid)] : 0;
	return found == 0 ? UNSEEN : found > 0 ? SIGNALED : DEAD;
}

/* False without memory: it is then visited again. */
static bool remember(struct tree_walk *walk, pid_t pid, enum seen what)
{
	if (walk->seen_count * 2 >= walk->seen_room) {
		size_t room = walk->seen_room == 0 ? 128 : walk->seen_room * 2;
		pid_t *seen = calloc(room, sizeof *seen);
		if (seen == NULL)
			return false;
		for (size_t i = 0; i < walk->seen_room; i++)
			if (walk->seen[i] != 0)
				seen[slot_of(seen, room, abs(walk->seen[i]))] = walk->seen[i];
		free(walk->seen);
		walk->seen = seen;
		walk->seen_room = room;
	}
	walk->seen[slot_of(walk->seen, walk->seen_room, pid)] = what == DEAD ? -pid : pid;
	walk->seen_count++;
	return true;
}

/* The children of one thread, from a file that may be longer than any buffer. */
static void add_thread_children(struct tree_walk *walk, pid_t pid, const char *thread)
{
	char path[320], text[4096];
	snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	pid_t child = 0;
	ssize_t n;
	while ((n = read(fd, text, sizeof text)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				child = child * 10 + (text[i] - '0');
			} else if (child != 0) {
				enqueue(walk, child, pid);
				child = 0;
			}
		}
	}
	close(fd);
}

static void add_children(struct tree_walk *walk, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL)
		return; /* ended meanwhile */
	for (struct dirent *task; (task = readdir(tasks)) != NULL;)
		if (task->d_name[0] != '.')
			add_thread_children(walk, pid, task->d_name);
	closedir(tasks);
}

/* Our own children keep their pid until we reap them; a deeper pid may be
 * somebody else's by now. */
static bool is_meant(const struct tree_process *process, pid_t group)
{
	pid_t self = getpid();
	struct proc_stat stat;
	if (process->parent == self && group == 0)
		return true;
	return proc_stat(process->pid, &stat) == 0 && (stat.ppid == process->parent || stat.ppid == self) &&
	       (group == 0 || stat.pgrp == group);
}

/* A pidfd of a process that lives; -1 and errno, ESRCH for a zombie too. Asking
 * the pidfd costs a tenth of reading proc_pid_stat(5). */
static int open_living(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	if (fd < 0 || poll(&ended, 1, 0) == 0)
		return fd;
	close(fd);
	errno = ESRCH;
	return -1;
}

static void send_to(struct tree_walk *walk, const struct tree_process *process, int fd)
{
	if (!is_meant(process, walk->group))
		return;
	int sent = fd >= 0 ? (int)syscall(SYS_pidfd_send_signal, fd, walk->signal, NULL, 0)
	                   : kill(process->pid, walk->signal);
	if (sent == 0) {
		walk->result = 0;
		walk->fresh = remember(walk, process->pid, SIGNALED) || walk->fresh;
	} else if (errno != ESRCH && walk->result == ESRCH) {
		walk->result = errno;
	}
}

static void visit(struct tree_walk *walk, struct tree_process process)
{
	enum seen seen = look_up(walk, process.pid);
	if (seen == SIGNALED)
		add_children(walk, process.pid);
	if (seen != UNSEEN)
		return;
	int fd = open_living(process.pid);
	if (fd < 0 && errno == ESRCH) {
		/* A zombie has no children. */
		remember(walk, process.pid, DEAD);
		return;
	}
	/* First SIGKILL, so that it forks no more: its children may become ours at
	 * once, and are then found by the next pass. Any other signal comes last:
	 * what the process forks on it is new to the next pass. */
	if (walk->signal != SIGKILL)
		add_children(walk, process.pid);
	/* Without a descriptor to spare: a child of ours needs none. */
	if (fd >= 0 || process.parent == getpid())
		send_to(walk, &process, fd);
	else if (walk->result == ESRCH)
		walk->result = errno;
	if (fd >= 0)
		close(fd);
	if (walk->signal == SIGKILL)
		add_children(walk, process.pid);
}

static void begin_pass(struct tree_walk *walk)
{
	walk->count = 0;
	walk->at = 0;
	walk->fresh = false;
	add_children(walk, getpid());
}

void tree_walk_begin(struct tree_walk *walk, int signal_number, pid_t group)
{
	*walk = (struct tree_walk){
		.signal = signal_number,
		.group = group,
		.active = true,
		.result = ESRCH,
		.began = monotonic_ms(),
	};
	begin_pass(walk);
}

bool tree_walk_step(struct tree_walk *walk, int budget_ms)
{
	int64_t until = monotonic_ms() + budget_ms;
	for (;;) {
		for (int i = 0; i < PROCESSES_AT_ONCE && walk->at < walk->count; i++)
			visit(walk, walk->queue[walk->at++]);
		if (walk->at == walk->count) {
			/* Again while there are new ones: a process may fork or move during the walk. */
			walk->passes++;
			if (walk->signal == SIGKILL || !walk->fresh || walk->passes == PASSES_MOST ||
			    (walk->passes > 1 && monotonic_ms() - walk->began > PASSES_MOST_MS))
				return true;
			begin_pass(walk);
		}
		if (monotonic_ms() >= until)
			return false;
	}
}

int tree_walk_end(struct tree_walk *walk)
{
	int result = walk->result;
	free(walk->queue);
	free(walk->seen);
	*walk = (struct tree_walk){0};
	return result;
}
