#!/bin/sh
# Shows the main job on a freshly built pm: a real process started, its output
# followed to the end, its exit status asked for. The daemon that this starts
# has a runtime directory of its own, which is gone afterwards.
set -eu
pm=$(cd "$(dirname "$0")/.." && pwd)/bin/pm
PM_RUNTIME_DIR=$(mktemp -d "${TMPDIR:-/tmp}/pm-demo.XXXXXX")
export PM_RUNTIME_DIR
unset PM_HOST PM_CONTEXT
cleanup() {
	"$pm" daemon stop --stop-processes
	rm -rf "$PM_RUNTIME_DIR"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() {
	printf '\n$ %s\n' "$*"
}

say "id=\$(pm start -n countdown -- sh -c 'for i in 3 2 1; do echo \$i; sleep 1; done; echo liftoff >&2')"
id=$("$pm" start -n countdown -- sh -c 'for i in 3 2 1; do echo $i; sleep 1; done; echo liftoff >&2')
echo "$id"
say "pm ls"
"$pm" ls
say "pm logs -f countdown"
"$pm" logs -f countdown
say "pm status countdown"
"$pm" status countdown
printf '\nThe main job, done. Now try bin/pm yourself; README.md has a tour.\n'
