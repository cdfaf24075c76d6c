/* compose: decides what a request is answered: fills an exchange's head and tape. */
#ifndef PM_COMPOSE_H
#define PM_COMPOSE_H

#include "exchange.h"
#include "render.h"

/* Makes the answer and writes the request into the ledger. The request's body is there (or, with an
 * early fault, will never be). Afterwards play_start. */
void compose_answer(struct exchange *exchange);
/* An error in the words of the request's protocol; replaces whatever was made before. */
void compose_error(struct exchange *exchange, const struct render_error *error);

#endif
