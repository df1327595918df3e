#!/bin/sh
set -e
# An upgrade leaves the daemon and its processes alone; removal ends both.
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ]; then
	for directory in /run/pm-system /run/pm; do
		if [ -S "$directory/pm.sock" ]; then
			PM_RUNTIME_DIR=$directory PM_NO_AUTOSTART=1 pm daemon stop --stop-processes || true
		fi
	done
	if [ -d /run/systemd/system ]; then
		systemctl disable --now pm.service || true
	fi
fi
