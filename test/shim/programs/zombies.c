/* Many zombies below a subreaper that does not reap, and chains of processes
 * that fork and exit: zombies COUNT CHAINS. Deaf to SIGTERM itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void chain(void)
{
	for (;;) {
		usleep(1000);
		if (fork() > 0)
			_exit(0);
	}
}

int main(int count, char **arguments)
{
	if (count != 3)
		return 2;
	signal(SIGTERM, SIG_IGN);
	int chains = atoi(arguments[2]);
	for (int i = 0; i < chains; i++)
		if (fork() == 0)
			chain();
	if (fork() == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		for (int i = atoi(arguments[1]); i > 0; i--) {
			siginfo_t info;
			pid_t pid = fork();
			if (pid == 0)
				_exit(0);
			if (pid > 0)
				waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		}
		puts("zombies");
		fflush(stdout);
	}
	for (;;)
		pause();
}
