#include "spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RLIMITS_MOST 64u
#define FLAGS_KNOWN \
	((uint32_t)(PM_SPEC_STDIN | PM_SPEC_TTY | PM_SPEC_NICE | PM_SPEC_OOM | PM_SPEC_NOTIFY))

struct cursor {
	char *at;
	char *end;
};

static char *take_string(struct cursor *c)
{
	char *nul = c->at < c->end ? memchr(c->at, '\0', (size_t)(c->end - c->at)) : NULL;
	if (nul == NULL)
		return NULL;
	char *string = c->at;
	c->at = nul + 1;
	return string;
}

static int take_strings(struct cursor *c, uint32_t count, char ***strings)
{
	/* Each string takes a byte at least. */
	if (count > (size_t)(c->end - c->at))
		return EINVAL;
	char **list = calloc((size_t)count + 1, sizeof *list);
	if (list == NULL)
		return ENOMEM;
	*strings = list;
	for (uint32_t i = 0; i < count; i++)
		if ((list[i] = take_string(c)) == NULL)
			return EINVAL;
	return 0;
}

static int unpack(struct spec *spec, char *map)
{
	const struct pm_spec *head = spec->head;
	if (head->magic != PM_SPEC_MAGIC || head->version != PM_PROTOCOL_VERSION || head->size != spec->mapped)
		return EINVAL;
	if (head->rlimit_count > RLIMITS_MOST || head->path_count == 0 || head->argument_count == 0)
		return EINVAL;
	if ((head->flags & ~FLAGS_KNOWN) != 0 || head->umask > 0777)
		return EINVAL;
	if (head->hold_ms > PM_HOLD_MOST_MS)
		return EINVAL;
	if (head->output_limit < PM_PAGE || head->output_limit % PM_PAGE != 0 || head->output_limit > UINT64_C(1) << 40)
		return EINVAL;
	size_t strings = sizeof *head + head->rlimit_count * sizeof(struct pm_rlimit);
	if (strings > spec->mapped)
		return EINVAL;
	spec->rlimits = (const struct pm_rlimit *)(map + sizeof *head);
	struct cursor c = {map + strings, map + spec->mapped};
	if ((spec->cwd = take_string(&c)) == NULL || (spec->cgroup = take_string(&c)) == NULL)
		return EINVAL;
	int error = take_strings(&c, head->path_count, &spec->paths);
	if (error == 0)
		error = take_strings(&c, head->argument_count, &spec->arguments);
	if (error == 0)
		error = take_strings(&c, head->environment_count, &spec->environment);
	return error;
}

int spec_open(struct spec *spec, const char *path)
{
	*spec = (struct spec){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	struct stat st;
	int error = 0;
	char *map = MAP_FAILED;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (st.st_size < (off_t)sizeof(struct pm_spec))
		error = EINVAL;
	else if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		error = errno;
	close(fd);
	if (error != 0)
		return error;
	spec->head = (const struct pm_spec *)map;
	spec->mapped = (size_t)st.st_size;
	error = unpack(spec, map);
	if (error != 0)
		spec_close(spec);
	return error;
}

void spec_close(struct spec *spec)
{
	free(spec->paths);
	free(spec->arguments);
	free(spec->environment);
	munmap((void *)(uintptr_t)spec->head, spec->mapped);
	*spec = (struct spec){0};
}
