/* A shim's descendants. The shim is a subreaper, so none can leave. */
#ifndef PM_TREE_H
#define PM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_process {
	pid_t pid;
	pid_t parent;
};

/* A walk over all descendants, taken in steps: a tree may hold thousands of
 * zombies, and the shim has other work. */
struct tree_walk {
	int signal;
	pid_t group; /* 0: whatever the process group */
	bool active;
	struct tree_process *queue;
	size_t count;
	size_t room;
	size_t at;
	/* Open addressing; 0: free, a pid: signaled, its negative: dead. */
	pid_t *seen;
	size_t seen_count;
	size_t seen_room;
	int passes;
	bool fresh; /* this pass signaled somebody */
	int result;
	int64_t began; /* monotonic ms */
};

/* Begins to signal every descendant once (those of a process group, if `group`
 * is not 0), again and again over the tree while there are new ones. SIGKILL:
 * a single pass, for a caller that repeats it until nobody is left. */
void tree_walk_begin(struct tree_walk *walk, int signal_number, pid_t group);

/* Walks on, for about `budget_ms`; whether the walk is complete. */
bool tree_walk_step(struct tree_walk *walk, int budget_ms);

/* Ends a walk, complete or not: 0, ESRCH if there was nobody, or the errno. */
int tree_walk_end(struct tree_walk *walk);

#endif
