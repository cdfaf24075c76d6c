/* play: sends an answer event by event, at its pace, and goes wrong where the fault says. */
#ifndef PM_PLAY_H
#define PM_PLAY_H

#include "exchange.h"

/* The head and the tape of `exchange` are ready: send them. Ends the exchange in its time. */
void play_start(struct exchange *exchange);
/* The client takes more. */
void play_on_writable(struct exchange *exchange);

#endif
