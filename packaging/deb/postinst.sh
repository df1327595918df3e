#!/bin/sh
set -e
# Into another tree (dpkg --root without chroot) there are files only.
if [ "$1" = configure ] && [ -z "$DPKG_ROOT" ]; then
	if ! getent passwd pm >/dev/null; then
		useradd --system --user-group --home-dir /var/lib/pm-system --no-create-home --shell /usr/sbin/nologin \
			--comment "Process manager" pm
	fi
	# The daemon reads its configuration as this user, and nobody else does.
	chown pm:pm /etc/pm/daemon.yaml
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		# Processes keep running: the new daemon takes them over.
		systemctl try-restart pm.service
	fi
fi
