/*
 * latency ECHO LINES DELAY_US FLOODERS WRITER: reads the lines of `ECHO LINES
 * DELAY_US` from a pipe, beside so many flooders whose output it reads too, and
 * prints the 99th percentile of the time from writing to reading, in ms.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 64

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static pid_t run(int *reader, char *const argv[])
{
	int fds[2];
	if (pipe(fds) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		execv(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	*reader = fds[0];
	return pid;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	int flooders = atoi(argv[4]), lines = atoi(argv[2]), seen = 0;
	struct pollfd polled[MOST + 1];
	pid_t pids[MOST + 1];
	double *waited = calloc((size_t)lines, sizeof *waited);
	if (flooders > MOST || waited == NULL)
		return 2;
	for (int i = 1; i <= flooders; i++) {
		char *const arguments[] = {argv[5], "1000000000000", "65536", NULL};
		pids[i] = run(&polled[i].fd, arguments);
		polled[i].events = POLLIN;
	}
	char *const arguments[] = {argv[1], argv[2], argv[3], NULL};
	pids[0] = run(&polled[0].fd, arguments);
	polled[0].events = POLLIN;
	static char buffer[65536];
	for (int open = 1; open;) {
		poll(polled, (nfds_t)flooders + 1, -1);
		for (int i = 0; i <= flooders; i++) {
			if (polled[i].revents == 0)
				continue;
			ssize_t n = read(polled[i].fd, buffer, sizeof buffer - 1);
			if (i > 0)
				continue;
			if (n <= 0) {
				open = 0;
				break;
			}
			buffer[n] = '\0';
			struct timespec t;
			clock_gettime(CLOCK_REALTIME, &t);
			double time = (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
			for (char *at = buffer; *at != '\0' && seen < lines; at++) {
				waited[seen++] = time - (double)strtoll(at, &at, 10) / 1e6;
				if (*at == '\0')
					break;
			}
		}
	}
	for (int i = 1; i <= flooders; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	qsort(waited, (size_t)seen, sizeof *waited, by_size);
	printf("%f\n", seen > 0 ? waited[(seen * 99 + 99) / 100 - 1] : -1.0);
	return seen == lines ? 0 : 1;
}
