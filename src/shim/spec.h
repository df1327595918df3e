/* The spec file, checked and unpacked. */
#ifndef PM_SPEC_H
#define PM_SPEC_H

#include "protocol.h"

#include <stddef.h>

struct spec {
	const struct pm_spec *head;
	const struct pm_rlimit *rlimits;
	const char *cwd;
	const char *cgroup;
	char **paths;
	char **arguments;   /* NULL-terminated, as is environment */
	char **environment;
	size_t mapped;
};

/* 0 or an errno: EINVAL if the file is not a whole spec. */
int spec_open(struct spec *spec, const char *path);
void spec_close(struct spec *spec);

#endif
