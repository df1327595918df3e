/*
 * Sleeps forever as long as FILE is not there; then lives for so many
 * milliseconds, and fails: `crasher FILE MILLISECONDS`.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (access(argv[1], F_OK) != 0)
		for (;;)
			pause();
	long ms = atol(argv[2]);
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0)
		;
	return 1;
}
