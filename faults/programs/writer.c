/*
 * Proves its bytes. Writes lines to standard output and error, each with its
 * number and a hash that continues the hash of the line before on the same
 * stream, so that a byte that is lost, doubled or moved is found.
 *
 * Arguments: a seed, a file, milliseconds between bursts, an exit code. It
 * writes until the file exists, ends both streams with a last line, and exits.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 40, FILLER = 160 };

struct stream {
	int fd;
	char letter;
	unsigned number;
	uint32_t hash;
};

static uint32_t state;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void put(int fd, const char *at, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, at, length);
		if (n < 0)
			_exit(99);
		at += n;
		length -= (size_t)n;
	}
}

/* FNV-1a, begun with the hash of the line before. */
static void put_line(struct stream *stream, const char *filler)
{
	char line[FILLER + 64];
	int length = snprintf(line, sizeof line, "%c %u %s ", stream->letter, stream->number++, filler);
	for (int i = 0; i < length; i++)
		stream->hash = (stream->hash ^ (uint8_t)line[i]) * UINT32_C(16777619);
	length += snprintf(line + length, sizeof line - (size_t)length, "%08x\n", stream->hash);
	put(stream->fd, line, (size_t)length);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 98;
	uint32_t seed = (uint32_t)strtoul(argv[1], NULL, 10);
	state = seed * 2654435761u | 1u;
	const char *gate = argv[2];
	long pause = strtol(argv[3], NULL, 10);
	struct stream streams[2] = {{1, 'o', 0, seed}, {2, 'e', 0, seed}};
	char filler[FILLER + 1];
	while (access(gate, F_OK) != 0) {
		for (int i = 0; i < BURST; i++) {
			uint32_t length = next() % FILLER;
			for (uint32_t at = 0; at < length; at++)
				filler[at] = (char)('a' + next() % 26);
			filler[length] = '\0';
			put_line(&streams[next() % 4 == 0], filler);
		}
		struct timespec wait = {pause / 1000, pause % 1000 * 1000000};
		nanosleep(&wait, NULL);
	}
	put_line(&streams[0], "END");
	put_line(&streams[1], "END");
	return atoi(argv[4]);
}
