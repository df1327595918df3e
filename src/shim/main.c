/* pm-shim: the part of pm that must outlive the daemon. protocol.h says how
 * the two talk. */
#include "announce.h"
#include "layout.h"
#include "protocol.h"
#include "zygote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define INHERITED_LOCK 3
#define ERRNO_MOST 133

/* flock(2) locks the open file description: it stays with the daemon. */
static int lock_inherited(void)
{
	if (flock(INHERITED_LOCK, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : 2;
}

static int print_errors(void)
{
	printf("{");
	for (int number = 1; number <= ERRNO_MOST; number++)
		printf("%s\"%d\":\"%s\"", number == 1 ? "" : ",", number, strerror(number));
	printf("}\n");
	return 0;
}

int main(int count, char **arguments)
{
	const char *command = count == 2 ? arguments[1] : "";
	if (count == 2 && strcmp(arguments[1], "zygote") == 0)
		return zygote_run();
	if (strcmp(command, "lock") == 0)
		return lock_inherited();
	if (strcmp(command, "layout") == 0)
		return layout_print();
	if (strcmp(command, "errno") == 0)
		return print_errors();
	if (strcmp(command, "version") == 0)
		return printf("%u\n", PM_PROTOCOL_VERSION) < 0;
	if (count == 3 && strcmp(arguments[1], "notify") == 0)
		return announce(arguments[2]);
	fprintf(stderr, "usage: pm-shim zygote | lock | layout | errno | version | notify STATE\n");
	return 2;
}
