#!/bin/sh
set -e
lib=$DPKG_ROOT/usr/lib/pm
case $1 in
remove | purge)
	# What Node.js has compiled.
	rm -rf "$lib/dist/cache"
	rmdir "$lib/dist" "$lib" 2>/dev/null || true
	if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	;;
esac
if [ "$1" = purge ] && [ -z "$DPKG_ROOT" ]; then
	rm -rf /var/lib/pm-system /run/pm-system
	if getent passwd pm >/dev/null; then
		userdel pm
	fi
fi
