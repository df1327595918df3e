/* Sends each argument as one message to $NOTIFY_SOCKET, "\n" as a newline; with
 * "-fd" before them, a descriptor goes with each; "-flood N" sends the
 * next two in turn, N times; "-wait" goes on until standard input ends. Reports failures as output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int with_descriptor;

static int say(int fd, const char *text)
{
	char message[8192];
	size_t length = 0;
	for (const char *at = text; *at != '\0' && length < sizeof message; at++) {
		if (at[0] == '\\' && at[1] == 'n') {
			message[length++] = '\n';
			at++;
		} else {
			message[length++] = *at;
		}
	}
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {message, length};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	if (with_descriptor) {
		int passed = STDERR_FILENO;
		header.msg_control = &control;
		header.msg_controllen = sizeof control;
		control.header = (struct cmsghdr){CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
	}
	return sendmsg(fd, &header, 0) < 0 ? errno : 0;
}

int main(int count, char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (path == NULL || strlen(path) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		printf("connect: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 1; i < count; i++) {
		int times = 1;
		if (strcmp(arguments[i], "-fd") == 0) {
			with_descriptor = 1;
			continue;
		}
		if (strcmp(arguments[i], "-wait") == 0) {
			char byte;
			while (read(0, &byte, 1) > 0)
				;
			continue;
		}
		if (strcmp(arguments[i], "-flood") == 0 && i + 3 < count) {
			times = atoi(arguments[i + 1]) / 2 * 2;
			i += 3;
		}
		for (; times > 0; times--) {
			int error = say(fd, times > 1 ? arguments[i - times % 2] : arguments[i]);
			if (error != 0) {
				printf("send: %s\n", strerror(error));
				return 1;
			}
		}
	}
	puts("said");
	return 0;
}
