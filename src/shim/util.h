/* Small helpers, and what a shim passes on to its process unchanged. */
#ifndef PM_UTIL_H
#define PM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the daemon gave us, before the zygote changed it for itself. */
struct inherited {
	struct rlimit nofile;
	mode_t umask;
};
extern struct inherited inherited;

uint64_t now_ns(void);         /* CLOCK_REALTIME */
int64_t monotonic_ms(void);

/* Reads up to `size` bytes of a file and terminates them; -1 and errno. */
ssize_t read_file(const char *path, char *buffer, size_t size);

/* proc_pid_stat(5); 0, or -1 and errno. */
struct proc_stat {
	pid_t ppid;
	pid_t pgrp;
	uint64_t start;
};
int proc_stat(pid_t pid, struct proc_stat *stat);

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
