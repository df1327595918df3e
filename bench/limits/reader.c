/*
 * reader WRITER BYTES SIZE: runs `WRITER BYTES SIZE` on a pipe of 1 MiB, reads
 * all of it, and prints MB/s. What a process manager could reach at best that
 * does nothing but read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static char buffer[256 * 1024];
	int fds[2];
	if (argc != 4 || pipe(fds) != 0)
		return 2;
	fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024);
	double begin = now();
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execl(argv[1], argv[1], argv[2], argv[3], (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	long long total = 0;
	for (ssize_t n; (n = read(fds[0], buffer, sizeof buffer)) > 0;)
		total += n;
	waitpid(pid, NULL, 0);
	printf("%f\n", (double)total / 1e6 / (now() - begin));
	return total == atoll(argv[2]) ? 0 : 1;
}
