#include "layout.h"

#include "protocol.h"

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("\"sizeof\":%zu", sizeof(struct type))
#define AT(type, field) printf(",\"" #field "\":%zu", offsetof(struct type, field))
#define CONSTANT(name) printf(",\"" #name "\":%u", (unsigned)(name))

/* A list of its own: a field that is missing on either side fails the test. */
int layout_print(void)
{
	printf("{\"pm_request\":{");
	SIZE(pm_request);
	AT(pm_request, type);
	AT(pm_request, run);
	AT(pm_request, uuid);
	AT(pm_request, shim_start);
	AT(pm_request, shim_pid);
	printf("}");
	printf(",\"pm_reply\":{");
	SIZE(pm_reply);
	AT(pm_reply, type);
	AT(pm_reply, run);
	AT(pm_reply, uuid);
	AT(pm_reply, pid);
	AT(pm_reply, error);
	AT(pm_reply, step);
	printf("}");
	printf(",\"pm_spec\":{");
	SIZE(pm_spec);
	AT(pm_spec, magic);
	AT(pm_spec, size);
	AT(pm_spec, flags);
	AT(pm_spec, output_limit);
	AT(pm_spec, rows);
	AT(pm_spec, columns);
	AT(pm_spec, rlimit_count);
	AT(pm_spec, path_count);
	AT(pm_spec, argument_count);
	AT(pm_spec, environment_count);
	printf("}");
	printf(",\"pm_rlimit\":{");
	SIZE(pm_rlimit);
	AT(pm_rlimit, resource);
	AT(pm_rlimit, soft);
	AT(pm_rlimit, hard);
	printf("}");
	printf(",\"pm_ring\":{");
	SIZE(pm_ring);
	AT(pm_ring, magic);
	AT(pm_ring, version);
	AT(pm_ring, seq);
	AT(pm_ring, want);
	AT(pm_ring, state);
	AT(pm_ring, flags);
	AT(pm_ring, run);
	AT(pm_ring, uuid);
	AT(pm_ring, shim_pid);
	AT(pm_ring, child_pid);
	AT(pm_ring, shim_start);
	AT(pm_ring, child_start);
	AT(pm_ring, reserve);
	AT(pm_ring, written);
	AT(pm_ring, data_offset);
	AT(pm_ring, data_size);
	AT(pm_ring, index_offset);
	AT(pm_ring, index_size);
	AT(pm_ring, entry_count);
	AT(pm_ring, stdout_bytes);
	AT(pm_ring, stderr_bytes);
	AT(pm_ring, started);
	AT(pm_ring, exited);
	AT(pm_ring, finished);
	AT(pm_ring, wait_status);
	AT(pm_ring, fail_step);
	AT(pm_ring, fail_errno);
	AT(pm_ring, fail_path);
	AT(pm_ring, user_usec);
	AT(pm_ring, system_usec);
	AT(pm_ring, max_rss_kib);
	AT(pm_ring, control_seq);
	AT(pm_ring, control_errno);
	printf("}");
	printf(",\"pm_entry\":{");
	SIZE(pm_entry);
	AT(pm_entry, offset);
	AT(pm_entry, time_stream);
	printf("}");
	printf(",\"pm_event\":{");
	SIZE(pm_event);
	AT(pm_event, uuid);
	AT(pm_event, run);
	AT(pm_event, kinds);
	printf("}");
	printf(",\"pm_control\":{");
	SIZE(pm_control);
	AT(pm_control, type);
	AT(pm_control, seq);
	AT(pm_control, a);
	AT(pm_control, b);
	printf("}");
	printf(",\"constants\":{\"PM_PROTOCOL_VERSION\":%u", PM_PROTOCOL_VERSION);
	CONSTANT(PM_REQUEST_START);
	CONSTANT(PM_REQUEST_ADOPT);
	CONSTANT(PM_REPLY_READY);
	CONSTANT(PM_REPLY_FORKED);
	CONSTANT(PM_REPLY_FAILED);
	CONSTANT(PM_REPLY_GONE);
	CONSTANT(PM_SPEC_STDIN);
	CONSTANT(PM_SPEC_TTY);
	CONSTANT(PM_STATE_STARTING);
	CONSTANT(PM_STATE_RUNNING);
	CONSTANT(PM_STATE_EXITED);
	CONSTANT(PM_STATE_FAILED);
	CONSTANT(PM_RING_OUTPUT_COMPLETE);
	CONSTANT(PM_RING_TREE_GONE);
	CONSTANT(PM_RING_DONE);
	CONSTANT(PM_RING_STDIN_CLOSED);
	CONSTANT(PM_RING_SHRUNK);
	CONSTANT(PM_STEP_PREPARE);
	CONSTANT(PM_STEP_SHIM);
	CONSTANT(PM_STEP_OUTPUT);
	CONSTANT(PM_STEP_PIPE);
	CONSTANT(PM_STEP_FORK);
	CONSTANT(PM_STEP_SESSION);
	CONSTANT(PM_STEP_CGROUP);
	CONSTANT(PM_STEP_LIMITS);
	CONSTANT(PM_STEP_CHDIR);
	CONSTANT(PM_STEP_STDIO);
	CONSTANT(PM_STEP_EXEC);
	CONSTANT(PM_STREAM_STDOUT);
	CONSTANT(PM_STREAM_STDERR);
	CONSTANT(PM_STREAM_TTY);
	CONSTANT(PM_EVENT_STATE);
	CONSTANT(PM_EVENT_OUTPUT);
	CONSTANT(PM_EVENT_CONTROL);
	CONSTANT(PM_CONTROL_SIGNAL);
	CONSTANT(PM_CONTROL_KILL_TREE);
	CONSTANT(PM_CONTROL_RESIZE);
	CONSTANT(PM_CONTROL_CLOSE_STDIN);
	CONSTANT(PM_CONTROL_RELEASE);
	CONSTANT(PM_TARGET_GROUP);
	CONSTANT(PM_TARGET_MAIN);
	CONSTANT(PM_TARGET_TREE);
	CONSTANT(PM_PAGE);
	printf("}}\n");
	return 0;
}
