#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct inherited inherited;

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t monotonic_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t length = 0;
	while (length < size - 1) {
		ssize_t n = read(fd, buffer + length, size - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = errno;
			close(fd);
			errno = error;
			return -1;
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	buffer[length] = '\0';
	return (ssize_t)length;
}

int proc_stat(pid_t pid, struct proc_stat *stat)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_file(path, text, sizeof text) < 0)
		return -1;
	/* The command name may hold anything, ") " too: count from the last one. */
	const char *rest = strrchr(text, ')');
	int ppid, pgrp;
	unsigned long long start;
	if (rest == NULL ||
	    sscanf(rest, ") %*c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	           &ppid, &pgrp, &start) != 3) {
		errno = ESRCH;
		return -1;
	}
	stat->ppid = ppid;
	stat->pgrp = pgrp;
	stat->start = start;
	return 0;
}
