#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one round moves at most: output and control messages wait meanwhile. */
#define MOVE_MOST (64 * 1024)

int input_open_fifo(struct input *input)
{
	if (mkfifo("stdin", 0600) != 0)
		return errno;
	/* O_RDWR: without a writer of our own it would be at its end between two daemons. */
	input->fifo = open("stdin", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	return input->fifo < 0 ? errno : 0;
}

int input_open(struct input *input, int *reader)
{
	int error = input_open_fifo(input);
	if (error != 0)
		return error;
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	*reader = fds[0];
	input->pipe = fds[1];
	/* Our end alone: the process's end has a file description of its own. */
	return fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

static uint64_t waiting(const struct input *input)
{
	int bytes = 0;
	if (input->fifo < 0 || ioctl(input->fifo, FIONREAD, &bytes) != 0 || bytes < 0)
		return 0;
	return (uint64_t)bytes;
}

uint64_t input_written(const struct input *input) { return input->taken + waiting(input); }

bool input_pump(struct input *input)
{
	ssize_t n = splice(input->fifo, NULL, input->pipe, NULL, MOVE_MOST, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0)
		input->taken += (uint64_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	bool more = waiting(input) > 0;
	/* EAGAIN is about either end. */
	input->full = n < 0 && errno == EAGAIN && more;
	return more || !input->ending;
}

void input_close(struct input *input)
{
	if (input->fifo >= 0)
		close(input->fifo);
	if (input->pipe >= 0)
		close(input->pipe);
	input->fifo = input->pipe = -1;
}
