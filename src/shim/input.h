/* The way of input from the daemon's FIFO into the pipe that the process reads.
 * It leads through us so that somebody knows how much was written, whoever wrote
 * it: a daemon that is killed while it writes cannot tell the next one. */
#ifndef PM_INPUT_H
#define PM_INPUT_H

#include <stdbool.h>
#include <stdint.h>

struct input {
	int fifo;    /* the stdin FIFO, non-blocking; -1: none, or let go of */
	int pipe;    /* the process's standard input; -1: a terminal has it, or let go of */
	bool full;   /* the pipe, and the FIFO has more */
	bool ending; /* the pipe is to be closed when the FIFO is empty */
	uint64_t taken; /* bytes that have left the FIFO */
};

/* Makes the FIFO, and the pipe whose reading end it answers in `reader`. 0 or an errno. */
int input_open(struct input *input, int *reader);

/* Makes the FIFO alone, for a terminal. 0 or an errno. */
int input_open_fifo(struct input *input);

/* Bytes ever written to the FIFO. */
uint64_t input_written(const struct input *input);

/* Moves what there is without blocking. False: nobody reads the pipe any more,
 * or all of it was moved that was to be. */
bool input_pump(struct input *input);

/* Closes both. */
void input_close(struct input *input);

#endif
