#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct rlimit inherited_nofile;

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#ifdef PM_FAULTS
static const volatile int64_t *clock_offset;

void map_clock_offset(void)
{
	int fd = open("clock-offset", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof *clock_offset, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		clock_offset = map;
	close(fd);
}

uint64_t now_ns(void)
{
	return read_clock(CLOCK_REALTIME) + (clock_offset != NULL ? (uint64_t)*clock_offset : 0);
}
#else
uint64_t now_ns(void) { return read_clock(CLOCK_REALTIME); }
#endif

uint64_t boot_ns(void) { return read_clock(CLOCK_BOOTTIME); }

uint64_t monotonic_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t monotonic_ms(void) { return (int64_t)(monotonic_ns() / 1000000u); }

void format_uuid(char text[UUID_TEXT_SIZE], const uint8_t uuid[16])
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[uuid[i] >> 4];
		*text++ = digits[uuid[i] & 15];
	}
	*text = '\0';
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

/* By how much the vDSO's clock and the kernel's may differ, and then some. */
#define CLOCKS_DIFFER_NS 1000u

uint64_t start_between(uint64_t before, uint64_t after, pid_t pid)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t tick = (before - CLOCKS_DIFFER_NS) / tick_ns;
	if ((after + CLOCKS_DIFFER_NS) / tick_ns == tick)
		return tick;
	struct proc_stat stat = {0};
	proc_stat(pid, &stat);
	return stat.start;
}
