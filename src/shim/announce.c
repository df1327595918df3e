#include "announce.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager that takes longer is not waited for. */
#define BARRIER_MILLISECONDS 5000

static int send_state(int fd, const struct sockaddr_un *address, socklen_t length, const char *state, int passed)
{
	struct iovec data = {.iov_base = (void *)state, .iov_len = strlen(state)};
	union {
		char bytes[CMSG_SPACE(sizeof passed)];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {
	    .msg_name = (void *)address, .msg_namelen = length, .msg_iov = &data, .msg_iovlen = 1};
	if (passed >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof passed);
		memcpy(CMSG_DATA(header), &passed, sizeof passed);
	}
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* As sd_notify_barrier(3): the service manager closes the descriptor when it
 * has read all that came before. Without it, it may find this process gone
 * before it has found out to which unit it belongs. */
static void wait_until_taken(int fd, const struct sockaddr_un *address, socklen_t length)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	int error = send_state(fd, address, length, "BARRIER=1", ends[1]);
	close(ends[1]);
	struct pollfd waiting = {.fd = ends[0], .events = POLLHUP};
	while (error == 0 && poll(&waiting, 1, BARRIER_MILLISECONDS) < 0 && errno == EINTR)
		;
	close(ends[0]);
}

int announce(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL || *path == '\0')
		return 0;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
		fprintf(stderr, "pm-shim: NOTIFY_SOCKET is no address of a socket\n");
		return 1;
	}
	memcpy(address.sun_path, path, length);
	/* An abstract one. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || send_state(fd, &address, size, state, -1) != 0) {
		fprintf(stderr, "pm-shim: cannot tell the service manager: %s\n", strerror(errno));
		if (fd >= 0)
			close(fd);
		return 1;
	}
	wait_until_taken(fd, &address, size);
	close(fd);
	return 0;
}
