/*
 * A random tree of processes that do not want to end: some leave their session
 * or process group, some are orphaned, some ignore SIGTERM, some fork when they
 * get it.
 *
 * Arguments: a seed, how many processes at most. Writes a line when the tree
 * stands.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct shared {
	unsigned made; /* processes that were made */
	unsigned ready; /* of these, those that have done all that they do */
};

static uint32_t state;
static struct shared *shared;
static unsigned most;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void fork_once(int signal)
{
	(void)signal;
	if (__atomic_add_fetch(&shared->made, 1, __ATOMIC_SEQ_CST) <= most + 64 && fork() == 0)
		setsid();
}

static void live(void)
{
	switch (next() % 4) {
	case 0:
		signal(SIGTERM, SIG_IGN);
		break;
	case 1:
		signal(SIGTERM, fork_once);
		break;
	default:
		break;
	}
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void grow(unsigned depth)
{
	unsigned children = 1 + next() % 4;
	for (unsigned i = 0; i < children && depth < 5; i++) {
		uint32_t seed = next() | 1u;
		if (__atomic_add_fetch(&shared->made, 1, __ATOMIC_SEQ_CST) > most) {
			__atomic_sub_fetch(&shared->made, 1, __ATOMIC_SEQ_CST);
			return;
		}
		if (fork() != 0)
			continue;
		state = seed;
		uint32_t how = next() % 4;
		if (how == 0)
			setsid();
		else if (how == 1)
			setpgid(0, 0);
		else if (how == 2 && fork() != 0)
			_exit(0); /* the child is an orphan */
		grow(depth + 1);
		live();
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 98;
	state = (uint32_t)strtoul(argv[1], NULL, 10) * 2654435761u | 1u;
	most = (unsigned)strtoul(argv[2], NULL, 10);
	signal(SIGCHLD, SIG_IGN);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 97;
	grow(0);
	struct timespec wait = {0, 2000000};
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < __atomic_load_n(&shared->made, __ATOMIC_SEQ_CST))
		nanosleep(&wait, NULL);
	dprintf(1, "stands %u\n", shared->made);
	live();
}
