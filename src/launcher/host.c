/* The launcher's side of protocol.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"
#include "protocol.h"

/* Milliseconds that a host has for its greeting. One that hangs costs no more. */
#define GREETING_MS 500
/* So long a command may say nothing until the host is asked for a sign of life, and so long the host then has. */
#define PATIENCE_MS 15000

/* cli.sock beside the daemon's default socket, by the rule of src/sdk/endpoint.ts. */
static bool socket_path(struct sockaddr_un *address)
{
	const char *directory = variable("PM_RUNTIME_DIR");
	const char *session = variable("XDG_RUNTIME_DIR");
	size_t size = sizeof address->sun_path;
	int length;
	address->sun_family = AF_UNIX;
	if (directory != NULL) {
		length = snprintf(address->sun_path, size, "%s/cli.sock", directory);
	} else if (getuid() == 0) {
		length = snprintf(address->sun_path, size, "/run/pm/cli.sock");
	} else if (session != NULL) {
		length = snprintf(address->sun_path, size, "%s/pm/cli.sock", session);
	} else {
		length = snprintf(address->sun_path, size, "/dev/shm/pm-%u/cli.sock", getuid());
	}
	return address->sun_path[0] == '/' && length > 0 && (size_t)length < size;
}

/* A connection to a program of this very user; else -1. */
static int connect_host(void)
{
	struct sockaddr_un address;
	if (!socket_path(&address)) {
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	struct ucred peer;
	socklen_t length = sizeof peer;
	/* A full queue is EAGAIN: the host has enough to do. */
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.uid != geteuid()) {
		close(fd);
		return -1;
	}
	return fd;
}

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Whether the host greets in time, and is of this build. */
static bool greeted(int fd, const char *dist)
{
	char path[PATH_MAX], id[HOST_ID_BYTES], greeting[HOST_MAGIC_BYTES + HOST_ID_BYTES];
	if (snprintf(path, sizeof path, "%s/build-id", dist) >= PATH_MAX) {
		return false;
	}
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		return false;
	}
	ssize_t length = read(file, id, sizeof id);
	close(file);
	if (length != sizeof id) {
		return false;
	}
	long long deadline = now_ms() + GREETING_MS;
	for (size_t have = 0; have < sizeof greeting;) {
		long long left = deadline - now_ms();
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (left <= 0 || (poll(&wait, 1, (int)left) < 0 && errno != EINTR)) {
			return false;
		}
		ssize_t got = read(fd, greeting + have, sizeof greeting - have);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
			return false;
		}
		have += got > 0 ? (size_t)got : 0;
	}
	return memcmp(greeting, HOST_MAGIC, HOST_MAGIC_BYTES) == 0 &&
	       memcmp(greeting + HOST_MAGIC_BYTES, id, sizeof id) == 0;
}

struct buffer {
	char *data;
	size_t length;
};

static void put(struct buffer *buffer, const void *data, size_t length)
{
	if (buffer->data != NULL) {
		memcpy(buffer->data + buffer->length, data, length);
	}
	buffer->length += length;
}

static void put_u32(struct buffer *buffer, uint32_t value)
{
	put(buffer, &value, sizeof value);
}

static void put_strings(struct buffer *buffer, char *const strings[])
{
	uint32_t count = 0;
	while (strings[count] != NULL) {
		count++;
	}
	put_u32(buffer, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t length = strlen(strings[i]);
		put_u32(buffer, (uint32_t)length);
		put(buffer, strings[i], length);
	}
}

/* What the command's processes inherit, and what its output looks like. */
struct facts {
	uint32_t umask;
	int32_t nice;
	uint32_t terminals;
	struct winsize size;
	struct rlimit limits[HOST_RLIMITS];
	char directory[PATH_MAX];
	bool has_directory;
};

static bool learn(struct facts *facts)
{
	memset(facts, 0, sizeof *facts);
	mode_t mask = umask(077);
	umask(mask);
	facts->umask = mask;
	facts->nice = getpriority(PRIO_PROCESS, 0);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		facts->terminals |= isatty(fd) ? 1u << fd : 0;
	}
	if (facts->terminals & (1u << STDOUT_FILENO)) {
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &facts->size);
	}
	for (int i = 0; i < HOST_RLIMITS; i++) {
		if (getrlimit(i, &facts->limits[i]) < 0) {
			return false;
		}
	}
	facts->has_directory = getcwd(facts->directory, sizeof facts->directory) != NULL;
	/* ENOENT: removed. Anything else, such as ERANGE, is beyond this program. */
	return facts->has_directory || errno == ENOENT;
}

static void put_request(struct buffer *buffer, const struct facts *facts, char *const args[])
{
	put_u32(buffer, facts->umask);
	put(buffer, &facts->nice, sizeof facts->nice);
	put_u32(buffer, facts->terminals);
	put(buffer, &facts->size.ws_row, sizeof(uint16_t));
	put(buffer, &facts->size.ws_col, sizeof(uint16_t));
	for (int i = 0; i < HOST_RLIMITS; i++) {
		uint64_t bounds[2] = { facts->limits[i].rlim_cur, facts->limits[i].rlim_max };
		put(buffer, bounds, sizeof bounds);
	}
	if (facts->has_directory) {
		size_t length = strlen(facts->directory);
		put_u32(buffer, (uint32_t)length);
		put(buffer, facts->directory, length);
	} else {
		put_u32(buffer, HOST_GONE);
	}
	put_strings(buffer, args);
	put_strings(buffer, environ);
}

/* Whether the request could be made. A host that got only a part of it runs nothing. */
static bool send_request(int fd, char *const args[])
{
	struct facts facts;
	if (!learn(&facts)) {
		return false;
	}
	/* Measured first: nothing is written to a buffer without data. */
	struct buffer buffer = { 0 };
	put_request(&buffer, &facts, args);
	size_t length = buffer.length;
	if (length > HOST_MAX_REQUEST || (buffer.data = malloc(length + sizeof(uint32_t))) == NULL) {
		return false;
	}
	buffer.length = 0;
	put_u32(&buffer, (uint32_t)length);
	put_request(&buffer, &facts, args);
	bool sent = true;
	for (size_t done = 0; done < buffer.length;) {
		ssize_t n = send(fd, buffer.data + done, buffer.length - done, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR) {
			sent = false;
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	free(buffer.data);
	return sent;
}

/* The symbol of an error that write(2) may have; a number where it has an unusual one. */
static const char *error_name(int error)
{
	static char number[24];
	switch (error) {
	case ENOSPC: return "ENOSPC";
	case EDQUOT: return "EDQUOT";
	case EFBIG: return "EFBIG";
	case EIO: return "EIO";
	case EBADF: return "EBADF";
	case EINVAL: return "EINVAL";
	case EPERM: return "EPERM";
	case ECONNRESET: return "ECONNRESET";
	default:
		snprintf(number, sizeof number, "error %d", error);
		return number;
	}
}

/* Writes all of it; 0, or an error. */
static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);
		if (n >= 0) {
			data += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			/* Somebody who shares the descriptor has made it non-blocking. */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };
			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

/*
 * One short line of plain text, as the id of a process that has just been
 * started: it must not get lost with the standard output that it was for.
 */
static bool is_result_line(const char *data, size_t length)
{
	if (length < 2 || length > 128 || data[length - 1] != '\n') {
		return false;
	}
	for (size_t i = 0; i < length - 1; i++) {
		if (data[i] < 0x20 || data[i] > 0x7e) {
			return false;
		}
	}
	return true;
}

/*
 * What has been written to standard output: how many bytes, and the last of
 * them. A command that is run again after a host that broke off goes on there
 * (src/cli/written.ts).
 */
static uint64_t written;
static char tail[WRITTEN_TAIL];

/* Notes the end of `length` bytes that were written. */
static void remember(const char *end, size_t end_length, size_t length)
{
	size_t from = end_length > sizeof tail ? end_length - sizeof tail : 0;
	uint64_t begin = written + length - end_length;
	for (size_t at = from; at < end_length;) {
		size_t place = (size_t)((begin + at) % sizeof tail);
		size_t part = end_length - at < sizeof tail - place ? end_length - at : sizeof tail - place;
		memcpy(tail + place, end + at, part);
		at += part;
	}
	written += length;
}

void host_written(bool results, char text[WRITTEN_TEXT])
{
	if (results && written > 0 && written <= sizeof tail && tail[written - 1] == '\n') {
		snprintf(text, WRITTEN_TEXT, "lines:%.*s", (int)written, tail);
		return;
	}
	/* FNV-1a, 32 bits, of the last bytes in their order. */
	uint32_t hash = 2166136261u;
	size_t length = written < sizeof tail ? (size_t)written : sizeof tail;
	for (uint64_t at = written - length; at < written; at++) {
		hash = (hash ^ (unsigned char)tail[at % sizeof tail]) * 16777619u;
	}
	snprintf(text, WRITTEN_TEXT, "%" PRIu64 ":%08" PRIx32, written, hash);
}

/* Standard output takes nothing more: the command's end. Returns the exit code. */
static int output_failed(int error, const char *data, size_t length)
{
	if (error == EPIPE) {
		return EXIT_BROKEN_PIPE;
	}
	/* As src/cli/own-caller.ts says it. */
	dprintf(STDERR_FILENO, "pm: cannot write to standard output: %s\n", error_name(error));
	if (is_result_line(data, length)) {
		dprintf(STDERR_FILENO, "hint: not written: %.*s", (int)length, data);
	}
	return EXIT_FAILED;
}

/* Passes a part of a frame on. Returns false, with the exit code, where that is the command's end. */
static bool relay(char type, const char *data, size_t length, int *code)
{
	if (type == 'e') {
		/* A closed standard error is not worth failing for. */
		write_all(STDERR_FILENO, data, length);
		return true;
	}
	int error = write_all(STDOUT_FILENO, data, length);
	if (error == 0) {
		remember(data, length, length);
		return true;
	}
	*code = output_failed(error, data, length);
	return false;
}

/* PM_PATIENCE_MS is for tests: nobody waits that long to see that a wait ends. */
static int patience_ms(void)
{
	const char *text = variable("PM_PATIENCE_MS");
	int value = text != NULL ? atoi(text) : 0;
	return value > 0 && value < PATIENCE_MS ? value : PATIENCE_MS;
}

/* Whether the host does anything with another connection: greets it, or closes it. */
static bool responds(int limit_ms)
{
	struct pollfd wait = { .fd = connect_host(), .events = POLLIN };
	if (wait.fd < 0) {
		return false;
	}
	bool ready = poll(&wait, 1, limit_ms) > 0;
	close(wait.fd);
	return ready;
}

/*
 * Waits for something to read, however long it takes, as long as the host
 * responds meanwhile. One that does not was stopped (SIGSTOP), or hangs.
 */
static bool readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int limit_ms = patience_ms();
	for (;;) {
		int ready = poll(&wait, 1, limit_ms);
		if (ready > 0 || (ready < 0 && errno != EINTR)) {
			return true;
		}
		if (ready == 0 && !responds(limit_ms) && poll(&wait, 1, 0) == 0) {
			return false;
		}
	}
}

/* The text of the last whole 'r' frame. */
static char remembered[HOST_REMEMBERED + 1];

const char *host_remembered(void)
{
	return remembered;
}

/* From a frame of this size on, copying costs more than the calls that move it. */
#define SPLICE_LEAST (32u << 10)

static enum outcome relay_frames(int fd, int *code)
{
	char data[65536], header[HOST_FRAME_HEADER], payload[sizeof(uint32_t)];
	char memory[sizeof remembered];
	size_t in_header = 0, in_payload = 0;
	uint32_t left = 0;
	bool wrote = false, splices = can_splice(STDOUT_FILENO), large = false;
	for (;;) {
		if (!readable(fd)) {
			return wrote ? HOST_CUT_OFF : HOST_SILENT;
		}
		if (splices && in_header == sizeof header && header[0] == 'o' && left >= WRITTEN_TAIL) {
			size_t end_length;
			ssize_t moved = splice_output(fd, STDOUT_FILENO, left, data, &end_length);
			if (moved > 0) {
				remember(data, end_length, (size_t)moved);
				left -= (uint32_t)moved;
				in_header = left == 0 ? 0 : in_header;
				wrote = true;
				continue;
			}
			if (moved < 0 && errno == EINVAL) {
				splices = false;
			} else if (moved < 0) {
				*code = output_failed(errno, NULL, 0);
				return HOST_DONE;
			}
		}
		/* After a large frame comes another: only its header, the rest of it is moved. */
		ssize_t got = read(fd, data, splices && large && in_header == 0 ? sizeof header : sizeof data);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return wrote ? HOST_CUT_OFF : HOST_LOST;
		}
		for (size_t at = 0; at < (size_t)got;) {
			if (in_header < sizeof header) {
				header[in_header++] = data[at++];
				if (in_header == sizeof header) {
					memcpy(&left, header + 1, sizeof left);
					in_payload = 0;
					large = header[0] == 'o' && left >= SPLICE_LEAST;
				}
				if (in_header < sizeof header || left > 0) {
					continue;
				}
			}
			size_t part = (size_t)got - at < left ? (size_t)got - at : left;
			switch (header[0]) {
			case 'o':
			case 'e':
				wrote = wrote || part > 0;
				if (!relay(header[0], data + at, part, code)) {
					return HOST_DONE;
				}
				break;
			case 'r':
				if (in_payload + left > HOST_REMEMBERED) {
					return wrote ? HOST_CUT_OFF : HOST_LOST;
				}
				memcpy(memory + in_payload, data + at, part);
				in_payload += part;
				if (part == left) {
					memcpy(remembered, memory, in_payload);
					remembered[in_payload] = '\0';
				}
				break;
			case 'x':
				for (size_t i = 0; i < part && in_payload < sizeof payload; i++) {
					payload[in_payload++] = data[at + i];
				}
				if (in_payload == sizeof payload) {
					uint32_t value;
					memcpy(&value, payload, sizeof value);
					*code = (int)(value & 0xff);
					return HOST_DONE;
				}
				break;
			case 'd':
				return wrote ? HOST_CUT_OFF : HOST_UNUSED;
			default:
				return wrote ? HOST_CUT_OFF : HOST_LOST;
			}
			at += part;
			left -= (uint32_t)part;
			if (left == 0) {
				in_header = 0;
			}
		}
	}
}

enum outcome host_run(const char *dist, char *const args[], int *code)
{
	int fd = connect_host();
	if (fd < 0) {
		return HOST_UNUSED;
	}
	/* Nothing of this process leaves it before the greeting is right. */
	enum outcome outcome = HOST_UNUSED;
	if (greeted(fd, dist) && fcntl(fd, F_SETFL, 0) == 0 && send_request(fd, args)) {
		outcome = relay_frames(fd, code);
	}
	close(fd);
	return outcome;
}
