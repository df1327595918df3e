/* The pseudo-terminal of a run, and the way of input into it. */
#ifndef PM_TERMINAL_H
#define PM_TERMINAL_H

#include "input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
	int master; /* -1: none; non-blocking */
	int slave;  /* held until the main process ends: without any, reads fail with EIO */
	char buffer[1024];
	size_t length;
	size_t sent;
	bool end_of_file; /* to be sent after what the FIFO holds */
};

/* 0 or an errno. The size is set before anyone can ask for it. */
int terminal_open(struct terminal *terminal, uint16_t rows, uint16_t columns);
int terminal_resize(struct terminal *terminal, uint16_t rows, uint16_t columns);

/* Moves input as far as it goes without blocking. */
void terminal_pump(struct terminal *terminal, struct input *input);

/* Drops input that is not sent: nobody has the terminal open any more. */
void terminal_discard(struct terminal *terminal);

#endif
