/* writer BYTES SIZE: writes so many zeros to standard output, SIZE at a time. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	long long left = atoll(argv[1]);
	size_t size = (size_t)atoll(argv[2]);
	char *buffer = calloc(1, size);
	while (buffer != NULL && left > 0) {
		ssize_t n = write(1, buffer, left < (long long)size ? (size_t)left : size);
		if (n < 0)
			return 1;
		left -= n;
	}
	return 0;
}
