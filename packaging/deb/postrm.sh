#!/bin/sh
set -e
case $1 in
remove | purge)
	# What Node.js has compiled.
	rm -rf /usr/lib/pm/dist/cache
	rmdir /usr/lib/pm/dist /usr/lib/pm 2>/dev/null || true
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	;;
esac
if [ "$1" = purge ]; then
	rm -rf /var/lib/pm-system /run/pm-system
	if getent passwd pm >/dev/null; then
		userdel pm
	fi
fi
