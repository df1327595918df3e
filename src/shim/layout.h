/* The protocol as the compiler sees it. */
#ifndef PM_LAYOUT_H
#define PM_LAYOUT_H

/* Prints sizes, offsets and constants as JSON; 0. */
int layout_print(void);

#endif
