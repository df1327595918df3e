/*
 * spawner COUNT AT_ONCE PROGRAM: posix_spawn(3)s and reaps PROGRAM so many
 * times, AT_ONCE at a time, and prints how many a second.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int count = atoi(argv[1]), at_once = atoi(argv[2]), started = 0, ended = 0;
	char *arguments[] = {argv[3], NULL};
	double begin = now();
	while (ended < count) {
		pid_t pid;
		if (started < count && started - ended < at_once) {
			if (posix_spawn(&pid, argv[3], NULL, NULL, arguments, environ) != 0)
				return 1;
			started++;
		} else if (wait(NULL) > 0) {
			ended++;
		}
	}
	printf("%f\n", count / (now() - begin));
	return 0;
}
