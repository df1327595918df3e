/* COUNT lines to each of standard output and standard error in turn, each only
 * when the one before has been taken: as many reads as lines. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	if (count != 2)
		return 2;
	for (int i = 1; i <= atoi(arguments[1]); i++) {
		for (int fd = 1; fd <= 2; fd++) {
			int left;
			dprintf(fd, "%c%d\n", fd == 1 ? 'o' : 'e', i);
			while (ioctl(fd, FIONREAD, &left) == 0 && left > 0)
				usleep(10);
		}
	}
	return 0;
}
