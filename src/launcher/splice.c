/* Moves output from the host's socket to a pipe without copying it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

bool can_splice(int to)
{
	struct stat stat;
	return fstat(to, &stat) == 0 && S_ISFIFO(stat.st_mode);
}

static void wait_for(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };
	poll(&wait, 1, -1);
}

/* The last bytes of the `length` that have come, without taking them (SO_PEEK_OFF, socket(7)). */
static bool peek_end(int from, size_t length, char tail[WRITTEN_TAIL], size_t *tail_length)
{
	size_t last = length < WRITTEN_TAIL ? length : WRITTEN_TAIL;
	int offset = (int)(length - last);
	if (setsockopt(from, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0) {
		return false;
	}
	size_t have = 0;
	while (have < last) {
		ssize_t got = recv(from, tail + have, last - have, MSG_PEEK);
		if (got <= 0 && !(got < 0 && errno == EINTR)) {
			return false;
		}
		have += got > 0 ? (size_t)got : 0;
	}
	*tail_length = last;
	return true;
}

ssize_t splice_output(int from, int to, size_t most, char tail[WRITTEN_TAIL], size_t *tail_length)
{
	int waiting = 0;
	if (ioctl(from, FIONREAD, &waiting) == 0 && waiting == 0) {
		wait_for(from, POLLIN);
		ioctl(from, FIONREAD, &waiting);
	}
	size_t length = (size_t)waiting < most ? (size_t)waiting : most;
	if (length == 0) {
		/* read(2) tells the end, or the error. */
		return 0;
	}
	if (!peek_end(from, length, tail, tail_length)) {
		errno = EINVAL;
		return -1;
	}
	for (size_t done = 0; done < length;) {
		ssize_t n = splice(from, NULL, to, NULL, length - done, SPLICE_F_MOVE);
		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			/* Somebody who shares the descriptor has made it non-blocking. */
			wait_for(to, POLLOUT);
		} else if (n == 0 || errno != EINTR) {
			errno = n == 0 ? EIO : done == 0 && errno != EPIPE ? EINVAL : errno;
			return -1;
		}
	}
	return (ssize_t)length;
}
