#!/bin/sh
# What an operator's script does, under a daemon that may die at any moment.
# Prints "right" at the end; whatever else happens ends it with another code.
set -eu
(set -o pipefail 2>/dev/null) && set -o pipefail

work=$(mktemp -d)
round=${1:-0}
app="app$round"
fail() {
	echo "wrong: $*" >&2
	exit 1
}
expect() { # expect WHAT ACTUAL EXPECTED
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}
cleanup() {
	code=$?
	trap - EXIT
	pm stop -f -t 1 -l "app=$app" >/dev/null || code=90
	pm rm -f -l "app=$app" >/dev/null || code=91
	rm -rf "$work"
	exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One job after the other, with its output and its code.
id=$(pm start -l "app=$app" -- sh -c 'echo out; echo err >&2; exit 7')
code=0
pm wait --for output "$id" || code=$?
expect "the code" "$code" 7
expect "standard output" "$(pm logs --stream stdout "$id")" out
expect "standard error" "$(pm logs --stream stderr "$id")" err
expect "the code in the status" "$(pm inspect --format run.exit.code "$id")" 7

# Many jobs side by side, by xargs.
seq 1 12 | xargs -P 4 -I N pm start -n "$app-job-N" -l "app=$app" -l kind=job -- sh -c 'echo N; exit 0' >"$work/ids"
expect "the number of jobs" "$(sort -u "$work/ids" | wc -l | tr -d ' ')" 12
pm wait -t 120s --for output "$app-job-*" >"$work/ended"
expect "the number of ends" "$(grep -c ' 0$' "$work/ended")" 12
sum=$(pm logs --no-prefix -l "app=$app,kind=job" | awk '{ s += $1 } END { print s }')
expect "the sum" "$sum" 78

# Exact bytes through a pipe.
pm start -n "$app-bytes" -l "app=$app" -- sh -c 'seq 1 50000' >/dev/null
pm wait --for output "$app-bytes"
expect "the checksum" "$(pm logs "$app-bytes" | cksum)" "$(seq 1 50000 | cksum)"

# A service: it is asked to read its configuration again, restarted, and stopped.
# Not grep -q, which ends at the first match: whoever writes more then is ended by
# SIGPIPE, and with pipefail that counts as not found. Each time, if it is quick.
VERSION=1 pm start -n "$app-srv" -l "app=$app" -- sh -c '
	trap "echo reloaded" HUP
	trap "echo bye; exit 3" TERM
	echo "started $VERSION"
	while :; do sleep 0.05; done
' >/dev/null
until [ "$(pm logs "$app-srv" | grep -c started)" -gt 0 ]; do sleep 0.05; done
pm kill -HUP "$app-srv" >/dev/null
until [ "$(pm logs "$app-srv" | grep -c reloaded)" -gt 0 ]; do sleep 0.05; done
expect "how often it was reloaded" "$(pm logs "$app-srv" | grep -c reloaded)" 1
expect "the restart" "$(pm restart -e VERSION=2 "$app-srv")" "$app-srv 3"
until [ "$(pm logs "$app-srv" | grep -c 'started 2')" -gt 0 ]; do sleep 0.05; done
expect "the run" "$(pm inspect --format run.number "$app-srv")" 2
expect "the stop" "$(pm stop "$app-srv")" "$app-srv 3"
expect "the last words" "$(pm logs --stream stdout "$app-srv" | tail -n 1)" bye

# Time limits, and what is not there.
pm start -n "$app-long" -l "app=$app" -- sleep 3600 >/dev/null
code=0
pm wait -t 0.3 "$app-long" 2>"$work/late" || code=$?
expect "the code of a time limit" "$code" 125
grep -q "\"$app-long\" did not end within" "$work/late" || fail "the time limit names nobody: $(cat "$work/late")"
code=0
pm status "$app-none" >/dev/null 2>&1 || code=$?
expect "the code of what is not there" "$code" 3
pm ls -aq -l "app=$app,kind=none" | xargs pm rm

# The end: all of it is gone.
expect "what runs" "$(pm ls -o name -l "app=$app")" "$app-long"
pm stop -l "app=$app" >/dev/null
pm ls -aq -l "app=$app" | xargs pm rm >/dev/null
expect "what is left" "$(pm ls -aq -l "app=$app")" ""
echo right
