/*
 * `pm`: passes a command to the daemon's command host (src/host), which runs
 * it warm, or becomes Node.js and runs it here. Which of the two shows in
 * nothing but the time it takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher.h"

const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : NULL;
}

void complain(const char *text)
{
	dprintf(STDERR_FILENO, "pm: %s\n", text);
}

int failure_code(char *const args[])
{
	static const char *const with_value[] = { "--host", "--context", "--color" };
	static const char *const as_process[] = { "run", "attach", "wait" };
	while (*args != NULL && **args == '-') {
		bool takes_next = false;
		for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
			takes_next |= strcmp(*args, with_value[i]) == 0;
		}
		args += takes_next && args[1] != NULL ? 2 : 1;
	}
	for (size_t i = 0; *args != NULL && i < sizeof as_process / sizeof as_process[0]; i++) {
		if (strcmp(*args, as_process[i]) == 0) {
			return EXIT_PM_FAILED;
		}
	}
	return EXIT_FAILED;
}

/* A file that is opened later must not become somebody's standard stream. */
static void fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd) {
			_exit(EXIT_PM_FAILED);
		}
	}
}

/*
 * The directory of the bundles: that of this program, whatever links led to
 * it, or the one above, where a package holds launchers for several
 * architectures.
 */
static bool find_bundles(char dist[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", dist, PATH_MAX - 1);
	if (length <= 0) {
		return false;
	}
	dist[length] = '\0';
	char *slash = strrchr(dist, '/');
	if (slash == NULL) {
		return false;
	}
	*slash = '\0';
	char entry[PATH_MAX];
	char *above = strrchr(dist, '/');
	if (above != NULL && snprintf(entry, sizeof entry, "%s/pm.cjs", dist) < PATH_MAX && access(entry, F_OK) < 0) {
		*above = '\0';
		if (snprintf(entry, sizeof entry, "%s/pm.cjs", dist) >= PATH_MAX || access(entry, F_OK) < 0) {
			*above = '/';
		}
	}
	return true;
}

/*
 * Commands that the host may run. It declines by itself what it cannot do
 * (logs -f); what is not listed would always be declined.
 */
struct hosted {
	const char *name;
	/* Running it a second time after the first broke off does no harm: it
	 * changes nothing, or has an id by which the daemon knows it again. */
	bool repeatable;
	/* The option that takes such an id; NULL: none. */
	const char *id_option;
};

static const struct hosted hosted[] = {
	{ "start", true, "--id" },
	{ "stop", true, "--request-id" },
	{ "kill", true, "--request-id" },
	{ "restart", true, "--request-id" },
	{ "rm", true, "--request-id" },
	{ "update", true, "--request-id" },
	{ "prune", false, NULL },
	{ "ls", true, NULL },
	{ "wait", true, NULL },
	{ "status", true, NULL },
	{ "inspect", true, NULL },
	{ "stats", true, NULL },
	{ "events", true, NULL },
	{ "logs", true, NULL },
	{ "help", true, NULL },
	{ "completion", true, NULL },
	{ "__complete", true, NULL },
};

static const struct hosted *find_hosted(const char *name)
{
	for (size_t i = 0; i < sizeof hosted / sizeof hosted[0]; i++) {
		if (strcmp(hosted[i].name, name) == 0) {
			return &hosted[i];
		}
	}
	return NULL;
}

/* A daemon elsewhere is for Node.js to find. */
static bool may_be_hosted(void)
{
	const char *refused = variable("PM_NO_HOST");
	return variable("PM_HOST") == NULL && variable("PM_CONTEXT") == NULL &&
	       (refused == NULL || strcmp(refused, "1") != 0);
}

/* A random UUID (RFC 9562, version 4). */
static bool make_uuid(char text[37])
{
	unsigned char b[16];
	if (getrandom(b, sizeof b, 0) != sizeof b) {
		return false;
	}
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return true;
}

/*
 * The arguments with an id in front: the same request with the same id is
 * carried out once, so it can be repeated after a host that broke off. An id
 * that the caller gives comes later and wins.
 */
static char **with_id(const char *option, int argc, char *argv[])
{
	static char uuid[37];
	char **args = calloc((size_t)argc + 3, sizeof *args);
	if (args == NULL || !make_uuid(uuid)) {
		free(args);
		return NULL;
	}
	args[0] = argv[0];
	args[1] = (char *)option;
	args[2] = uuid;
	memcpy(args + 3, argv + 1, (size_t)argc * sizeof *args);
	return args;
}

int main(int argc, char *argv[])
{
	char dist[PATH_MAX];
	fill_standard_streams();
	char **args = argc > 0 ? argv + 1 : argv;
	if (!find_bundles(dist)) {
		complain("cannot find its own files: is /proc mounted?");
		return failure_code(args);
	}
	const struct hosted *command = argc > 1 && may_be_hosted() ? find_hosted(argv[1]) : NULL;
	if (command != NULL) {
		char **given = command->id_option != NULL ? with_id(command->id_option, argc - 1, args) : args;
		/* A reader that has gone is told by write(2). */
		struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
		sigaction(SIGPIPE, &ignore, &before);
		int code = 0;
		enum outcome outcome = given == NULL ? HOST_UNUSED : host_run(dist, given, &code);
		sigaction(SIGPIPE, &before, NULL);
		if (outcome == HOST_DONE) {
			return code;
		}
		if ((outcome == HOST_CUT_OFF || outcome == HOST_LOST) && !command->repeatable) {
			/* As the SDK says it of a call (src/sdk/transport/local-errors.ts). */
			complain("the connection to the daemon was lost");
			return EXIT_UNREACHABLE;
		}
		if (outcome == HOST_SILENT && !command->repeatable) {
			complain("the daemon does not respond\n"
				 "hint: 'pm daemon restart' replaces it, processes keep running; 'pm daemon logs' shows its log");
			return EXIT_TIMEOUT;
		}
		if (outcome == HOST_CUT_OFF) {
			/* It goes on behind what is written. */
			char text[WRITTEN_TEXT];
			host_written(command->id_option != NULL, text);
			setenv("PM_WRITTEN", text, 1);
		}
		if (outcome != HOST_UNUSED) {
			if (*host_remembered() != '\0') {
				setenv("PM_REMEMBERED", host_remembered(), 1);
			}
			args = given;
		}
	}
	return node_exec(dist, args);
}
