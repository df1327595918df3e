/* What the zygote, shims and probers ignore, and their processes must not. */
#ifndef PM_SIGNALS_H
#define PM_SIGNALS_H

/* The daemon's terminal must not reach us, a dead daemon must not kill us. Every
 * other signal is as it was at boot, whatever our parent ignored. */
void ignore_signals(void);

/* In a vforked child: undoes that, and blocks none. */
void default_signals(void);

#endif
