/*
 * What AFL++ runs: the shim's own reader of specs on a file of its making, and
 * all that is read of a spec it takes. Built with src/shim/spec.c and
 * AddressSanitizer by run.ts.
 */
#include "../../src/shim/spec.h"

#include <string.h>

static volatile size_t sink;

static void read_strings(char *const *strings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sink += strlen(strings[i]);
	if (strings[count] != NULL)
		__builtin_trap();
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	struct spec spec;
	if (spec_open(&spec, argv[1]) != 0)
		return 1;
	sink += strlen(spec.cwd) + strlen(spec.cgroup);
	read_strings(spec.paths, spec.head->path_count);
	read_strings(spec.arguments, spec.head->argument_count);
	read_strings(spec.environment, spec.head->environment_count);
	for (uint32_t i = 0; i < spec.head->rlimit_count; i++)
		sink += spec.rlimits[i].resource + spec.rlimits[i].soft + spec.rlimits[i].hard;
	spec_close(&spec);
	return 0;
}
