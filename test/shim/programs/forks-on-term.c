/* A tree of COUNT processes, the first of which forks on SIGTERM: the child is
 * new to whoever has just signaled the tree. Deaf to SIGTERM as they are, the
 * others stay; the forked child does not survive one. With a second argument,
 * milliseconds, the first of the others stops the shim that long. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t shim;
static int stop_ms;

static void on_term(int number)
{
	(void)number;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (;;)
			pause();
	}
	int status;
	while (waitpid(pid, &status, 0) < 0)
		;
	const char text[] = "reached\n";
	if (WIFSIGNALED(status) && write(1, text, sizeof text - 1) < 0)
		_exit(1);
}

static void stop_shim(int number)
{
	(void)number;
	struct timespec left = {stop_ms / 1000, stop_ms % 1000 * 1000000L};
	kill(shim, SIGSTOP);
	while (nanosleep(&left, &left) != 0)
		;
	kill(shim, SIGCONT);
}

int main(int count, char **arguments)
{
	if (count != 2 && count != 3)
		return 2;
	shim = getppid();
	stop_ms = count == 3 ? atoi(arguments[2]) : 0;
	struct sigaction action = {.sa_handler = on_term};
	sigaction(SIGTERM, &action, NULL);
	int ready[2];
	if (pipe(ready) != 0)
		return 1;
	for (int i = atoi(arguments[1]); i > 0; i--, stop_ms = 0) {
		if (fork() == 0) {
			signal(SIGTERM, stop_ms > 0 ? stop_shim : SIG_IGN);
			if (write(ready[1], "x", 1) != 1)
				return 1;
			for (;;)
				pause();
		}
	}
	char byte;
	for (int i = atoi(arguments[1]); i > 0; i--)
		if (read(ready[0], &byte, 1) != 1)
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
