#include "tree.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSES_MOST 16
#define PROCESSES_MOST 1000000u

struct process {
	pid_t pid;
	pid_t parent;
};

struct list {
	struct process *items;
	size_t count;
	size_t room;
};

static bool add(struct list *list, pid_t pid, pid_t parent)
{
	if (list->count == PROCESSES_MOST)
		return false;
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct process *items = realloc(list->items, room * sizeof *items);
		if (items == NULL)
			return false;
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = (struct process){pid, parent};
	return true;
}

/* The children of one thread, from a file that may be longer than any buffer. */
static void add_thread_children(struct list *list, pid_t pid, const char *thread)
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
				add(list, child, pid);
				child = 0;
			}
		}
	}
	close(fd);
}

static void add_children(struct list *list, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL)
		return; /* ended meanwhile */
	for (struct dirent *task; (task = readdir(tasks)) != NULL;)
		if (task->d_name[0] != '.')
			add_thread_children(list, pid, task->d_name);
	closedir(tasks);
}

/* Our own children keep their pid until we reap them; a deeper pid may be
 * somebody else's by now, so it is held by a pidfd and looked at again. */
static int signal_process(const struct process *process, pid_t group, int signal_number)
{
	pid_t self = getpid();
	struct proc_stat stat;
	if (process->parent == self) {
		if (group != 0 && (proc_stat(process->pid, &stat) != 0 || stat.pgrp != group))
			return ESRCH;
		return kill(process->pid, signal_number) == 0 ? 0 : errno;
	}
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (fd < 0)
		return errno;
	int error = ESRCH;
	if (proc_stat(process->pid, &stat) == 0 && (stat.ppid == process->parent || stat.ppid == self) &&
	    (group == 0 || stat.pgrp == group))
		error = syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) == 0 ? 0 : errno;
	close(fd);
	return error;
}

static bool contains(const struct list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].pid == pid)
			return true;
	return false;
}

static int signal_all(pid_t group, int signal_number)
{
	struct list done = {0};
	int result = ESRCH;
	/* Again while there are new ones: a process may fork or move during the walk. */
	for (int pass = 0; pass < PASSES_MOST; pass++) {
		struct list list = {0};
		bool fresh = false;
		add_children(&list, getpid());
		for (size_t i = 0; i < list.count; i++) {
			struct process process = list.items[i];
			add_children(&list, process.pid);
			if (contains(&done, process.pid))
				continue;
			int error = signal_process(&process, group, signal_number);
			if (error == 0) {
				result = 0;
				fresh = add(&done, process.pid, process.parent) || fresh;
			} else if (error != ESRCH && result == ESRCH) {
				result = error;
			}
		}
		free(list.items);
		if (!fresh)
			break;
	}
	free(done.items);
	return result;
}

int tree_signal(int signal_number) { return signal_all(0, signal_number); }

int tree_signal_group(pid_t group, int signal_number) { return signal_all(group, signal_number); }

void tree_kill_pass(void)
{
	struct list list = {0};
	add_children(&list, getpid());
	for (size_t i = 0; i < list.count; i++) {
		struct process process = list.items[i];
		/* First, so that it forks no more; its children may become ours at once,
		 * and are then found by the next pass. */
		signal_process(&process, 0, SIGKILL);
		add_children(&list, process.pid);
	}
	free(list.items);
}
