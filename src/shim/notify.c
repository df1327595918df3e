#include "notify.h"

#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MOST 4096
/* SCM_MAX_FD of the kernel. */
#define DESCRIPTORS_MOST 253
#define ANCESTORS_MOST 64
#define TRIES 3
/* What systemd sets; the kernel's own is 10. */
#define QUEUE_USUAL 512

/* unix(7): a queue of datagrams takes one more than this. */
static size_t queue_room(void)
{
	char text[32];
	if (read_file("/proc/sys/net/unix/max_dgram_qlen", text, sizeof text) <= 0)
		return QUEUE_USUAL + 1;
	return (size_t)strtoul(text, NULL, 10) + 1;
}

int notify_open(int *fd, size_t *room)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "notify"};
	const int on = 1;
	*room = queue_room();
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
		return errno;
	mode_t before = umask(0177);
	int error = bind(*fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	umask(before);
	return error;
}

/* Whether a process is below this one. Its ancestors may end meanwhile, and
 * then others take their places: it is looked at again. */
static bool is_descendant(pid_t pid)
{
	pid_t self = getpid();
	for (int try = 0; try < TRIES; try++) {
		pid_t at = pid;
		for (int depth = 0; depth < ANCESTORS_MOST; depth++) {
			struct proc_stat stat;
			if (proc_stat(at, &stat) != 0) {
				if (at == pid)
					return false;
				break;
			}
			if (stat.ppid == self)
				return true;
			if (stat.ppid <= 1)
				return false;
			at = stat.ppid;
		}
	}
	return false;
}

/* Cuts between characters, where it is UTF-8. */
static void take_status(struct notice *notice, const char *text, size_t length)
{
	size_t most = sizeof notice->status - 1;
	if (length > most) {
		length = most;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memset(notice->status, 0, sizeof notice->status);
	memcpy(notice->status, text, length);
	notice->has_status = true;
}

static void take_usec(struct notice *notice, const char *text)
{
	char *end;
	errno = 0;
	unsigned long long usec = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-')
		return;
	notice->watchdog_usec = usec;
	notice->has_watchdog_usec = true;
}

static bool has_prefix(const char *line, const char *prefix) { return strncmp(line, prefix, strlen(prefix)) == 0; }

static void take_line(struct notice *notice, const char *line)
{
	if (strcmp(line, "READY=1") == 0)
		notice->flags |= PM_NOTIFY_READY;
	else if (strcmp(line, "STOPPING=1") == 0)
		notice->flags |= PM_NOTIFY_STOPPING;
	else if (strcmp(line, "WATCHDOG=1") == 0)
		notice->alive = true;
	else if (has_prefix(line, "STATUS="))
		take_status(notice, line + strlen("STATUS="), strlen(line) - strlen("STATUS="));
	else if (has_prefix(line, "WATCHDOG_USEC="))
		take_usec(notice, line + strlen("WATCHDOG_USEC="));
}

/* The sender; closes the descriptors that came with a message: FDSTORE is not
 * kept, and a BARRIER is thereby passed. 0: it did not say. */
static pid_t take_control(struct msghdr *header)
{
	pid_t sender = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred credentials;
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
			sender = credentials.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < count; i++) {
				int fd;
				memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
				close(fd);
			}
		}
	}
	return sender;
}

size_t notify_take(int fd, pid_t main, size_t most, struct notice *notice)
{
	size_t count = 0;
	*notice = (struct notice){0};
	while (count < most) {
		char text[MESSAGE_MOST + 1];
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(DESCRIPTORS_MOST * sizeof(int))];
		} control;
		struct iovec part = {text, MESSAGE_MOST};
		struct msghdr header = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof control,
		};
		ssize_t length = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			break;
		count++;
		pid_t sender = take_control(&header);
		if (sender <= 0 || (header.msg_flags & MSG_TRUNC) != 0 || memchr(text, '\0', (size_t)length) != NULL)
			continue;
		if (sender != main && !is_descendant(sender))
			continue;
		text[length] = '\0';
		notice->said = true;
		for (char *at = text; at != NULL;) {
			char *line = strsep(&at, "\n");
			take_line(notice, line);
		}
	}
	return count;
}
