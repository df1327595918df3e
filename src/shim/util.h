/* Small helpers, and what a shim passes on to its process unchanged. */
#ifndef PM_UTIL_H
#define PM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the daemon gave us, before the zygote raised it for itself. */
extern struct rlimit inherited_nofile;

#ifdef PM_FAULTS
/* Adds to CLOCK_REALTIME what the file "clock-offset" of the current directory
 * holds, an int64_t of nanoseconds, as it changes. Of test builds alone. */
void map_clock_offset(void);
#endif

uint64_t now_ns(void);       /* CLOCK_REALTIME */
uint64_t boot_ns(void);      /* CLOCK_BOOTTIME */
uint64_t monotonic_ns(void); /* CLOCK_MONOTONIC */
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

/* proc_stat.start of a process that was forked between two readings of boot_ns();
 * 0 if it is gone and they do not tell. Fork notes CLOCK_BOOTTIME (start_boottime
 * in copy_process(), kernel/fork.c), /proc shows it in clock ticks (do_task_stat(),
 * fs/proc/array.c): within one tick there is nothing to look up, which took a tenth
 * of what a short life costs the zygote and its shim. */
uint64_t start_between(uint64_t before, uint64_t after, pid_t pid);

/* "8-4-4-4-12" and a NUL. */
#define UUID_TEXT_SIZE 37
void format_uuid(char text[UUID_TEXT_SIZE], const uint8_t uuid[16]);

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
