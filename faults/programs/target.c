/*
 * What is started, stopped and restarted: it says on disk that it began, and
 * ends some time after SIGTERM.
 *
 * Arguments: a file to which it appends its process id, milliseconds between
 * SIGTERM and its end, an exit code, and optionally milliseconds after which it
 * ends by itself.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0)
		;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 98;
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	char line[32];
	int length = snprintf(line, sizeof line, "%d\n", (int)getpid());
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)length) != length)
		return 97;
	close(fd);
	if (write(1, "began\n", 6) != 6)
		return 96;
	long limit = argc > 4 ? strtol(argv[4], NULL, 10) : -1;
	struct timespec wait = {limit / 1000, limit % 1000 * 1000000};
	if (limit < 0)
		while (sigwaitinfo(&term, NULL) < 0)
			;
	else if (sigtimedwait(&term, NULL, &wait) < 0)
		return atoi(argv[3]);
	sleep_ms(strtol(argv[2], NULL, 10));
	return atoi(argv[3]);
}
