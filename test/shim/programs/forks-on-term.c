/* A tree of COUNT processes, the first of which forks on SIGTERM: the child is
 * new to whoever has just signaled the tree. Deaf to SIGTERM as they are, the
 * others stay; the forked child does not survive one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

int main(int count, char **arguments)
{
	if (count != 2)
		return 2;
	struct sigaction action = {.sa_handler = on_term};
	sigaction(SIGTERM, &action, NULL);
	int ready[2];
	if (pipe(ready) != 0)
		return 1;
	for (int i = atoi(arguments[1]); i > 0; i--) {
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
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
