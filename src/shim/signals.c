#include "signals.h"

#include <signal.h>
#include <stddef.h>

static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1,
                              SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ};

static void set_ignored(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		sigaction(ignored[i], &action, NULL);
}

void ignore_signals(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL); /* EINVAL for SIGKILL and SIGSTOP */
	set_ignored(SIG_IGN);
}

void default_signals(void)
{
	set_ignored(SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
