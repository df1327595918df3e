#ifndef PM_ANNOUNCE_H
#define PM_ANNOUNCE_H

/* Sends a state such as "READY=1" to $NOTIFY_SOCKET (sd_notify(3)), for the
 * daemon, which cannot send datagrams itself, and waits until the service
 * manager has taken it. Answers an exit status: 0 also without a socket, 1 if it
 * could not be sent. */
int announce(const char *state);

#endif
