/* Asks to be traced by its parent, which knows nothing of that, and stops. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		return 1;
	puts("traced");
	fflush(stdout);
	raise(SIGUSR1);
	return 0;
}
