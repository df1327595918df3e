/*
 * echo LINES DELAY_US: writes a line that holds the time of writing
 * (CLOCK_REALTIME, nanoseconds) so many times, with a pause in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (long i = 0; i < atol(argv[1]); i++) {
		char line[32];
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		int n = snprintf(line, sizeof line, "%lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec);
		if (write(1, line, (size_t)n) != n)
			return 1;
		usleep((useconds_t)atol(argv[2]));
	}
	return 0;
}
