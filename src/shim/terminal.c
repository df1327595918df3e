#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int terminal_resize(struct terminal *terminal, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	return ioctl(terminal->master, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

int terminal_open(struct terminal *terminal, uint16_t rows, uint16_t columns)
{
	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (terminal->master < 0)
		return errno;
	if (unlockpt(terminal->master) != 0)
		return errno;
	int error = terminal_resize(terminal, rows, columns);
	if (error != 0)
		return error;
	/* By descriptor rather than by name: right in any mount namespace. */
	terminal->slave = ioctl(terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->slave < 0)
		return errno;
	/* A backspace erases a whole character, as in every terminal emulator. */
	struct termios modes;
	if (tcgetattr(terminal->slave, &modes) != 0)
		return errno;
	modes.c_iflag |= IUTF8;
	return tcsetattr(terminal->slave, TCSANOW, &modes) == 0 ? 0 : errno;
}

static void refill(struct terminal *terminal, struct input *input)
{
	ssize_t n = -1;
	if (input->fifo >= 0)
		n = read(input->fifo, terminal->buffer, sizeof terminal->buffer);
	terminal->sent = 0;
	terminal->length = n > 0 ? (size_t)n : 0;
	input->taken += terminal->length;
	if (terminal->length > 0 || !terminal->end_of_file)
		return;
	terminal->end_of_file = false;
	struct termios modes;
	cc_t character = 4; /* ^D */
	if (tcgetattr(terminal->master, &modes) == 0)
		character = modes.c_cc[VEOF];
	terminal->buffer[0] = (char)character;
	terminal->length = 1;
}

void terminal_discard(struct terminal *terminal)
{
	terminal->sent = terminal->length;
	terminal->end_of_file = false;
}

void terminal_pump(struct terminal *terminal, struct input *input)
{
	/* One buffer a round: the other streams wait. */
	if (terminal->sent == terminal->length)
		refill(terminal, input);
	if (terminal->sent == terminal->length)
		return;
	ssize_t n = write(terminal->master, terminal->buffer + terminal->sent, terminal->length - terminal->sent);
	if (n > 0)
		terminal->sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		terminal->sent = terminal->length; /* nobody will ever read it */
}
