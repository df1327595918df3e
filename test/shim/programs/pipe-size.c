/* Ends well when its standard output's pipe has grown under a flood, and has
 * its usual size again some time after it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static char block[65536];
	int usual = fcntl(1, F_GETPIPE_SZ);
	memset(block, 'x', sizeof block);
	while (fcntl(1, F_GETPIPE_SZ) <= usual)
		for (int i = 0; i < 256; i++)
			if (write(1, block, sizeof block) < 0)
				return 1;
	while (fcntl(1, F_GETPIPE_SZ) != usual)
		usleep(1000);
	return usual == 65536 ? 0 : 2;
}
