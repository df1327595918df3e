#!/bin/bash
# What an operator's script does, under a daemon that may die at any moment.
# Prints "right" at the end; whatever else happens ends it with another code.
# Usage: operator.sh ROUND
set -euo pipefail

work=$(mktemp -d)
round=$1
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

# Through a filter, and its code: as with any other command.
expect "what a filter makes" "$(seq 1 20000 | pm run -i --rm -l "app=$app" -- sort -r | cksum)" \
	"$(seq 1 20000 | sort -r | cksum)"
code=0
seq 1 3 | pm run -i --rm -l "app=$app" -- sh -c 'cat; exit 4' | cat >"$work/copy" || code=$?
expect "the code through a pipe" "$code" 4
expect "the copy" "$(tr '\n' ' ' <"$work/copy")" "1 2 3 "

# What failed, and with what: one after the other.
pm ls -a -o name -l "app=$app,kind=job" | sort | while read -r name; do
	printf '%s %s\n' "$name" "$(pm inspect --format run.exit.code "$name")"
done >"$work/codes"
expect "those that did not fail" "$(grep -c ' 0$' "$work/codes")" 12

# A job of this shell's own, ended by a signal.
pm run --rm -n "$app-fg" -l "app=$app" -- sh -c '
	trap "exit 9" TERM
	echo up
	while :; do sleep 0.05; done
' >"$work/fg" &
job=$!
until grep -q up "$work/fg"; do sleep 0.05; done
kill -TERM "$job"
code=0
wait "$job" || code=$?
expect "the code of the job" "$code" 9

# A project: two that depend on one another, more of one, and all of it gone.
cat >"$work/pm.yaml" <<END
name: $app-shop
processes:
  migrate: { command: [sh, -c, "echo migrated"], labels: { app: $app } }
  web: { command: [sleep, "3600"], labels: { app: $app }, depends_on: { migrate: completed-successfully } }
END
pm up -d -f "$work/pm.yaml" >/dev/null
pm wait -t 120s --for output migrate
expect "what it migrated" "$(pm logs migrate)" migrated
pm scale -f "$work/pm.yaml" web=3 >/dev/null
expect "how many serve" "$(pm ls -q -l "app=$app,pm/process=web" | wc -l | tr -d ' ')" 3
pm down -f "$work/pm.yaml" >/dev/null
expect "what is left of it" "$(pm ls -aq -l "pm/project=$app-shop")" ""

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
timeout 2 pm logs -f "$app-long" >/dev/null || code=$?
expect "the code of timeout(1)" "$code" 124
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
