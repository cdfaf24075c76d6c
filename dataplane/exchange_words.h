/* exchange_words: the steps of an exchange and what is noted beside them. */
#ifndef PM_EXCHANGE_WORDS_H
#define PM_EXCHANGE_WORDS_H

/* Each does one thing and names the next; WAIT = for an event. */
enum exchange_step {
	STEP_WAIT,
	STEP_ADMIT,   /* the body is here: decode and read it */
	STEP_PLAN,    /* which upstreams may be asked, best first */
	STEP_ATTEMPT, /* ask one */
	STEP_HEAD,    /* its answer has begun */
	STEP_COMMIT,  /* the client gets the head and what was held back */
	STEP_STREAM,  /* bytes pass */
	STEP_FINISH,  /* the answer is whole */
	STEP_FAIL,    /* this attempt has failed: another, or the last word */
	STEP_REAP,    /* log, let go of everything */
	STEP_COUNT,
};

/* Events noted beside the steps. */
enum exchange_event {
	EVENT_DONE = STEP_COUNT, /* detail: transport */
	EVENT_GONE,
	EVENT_PAUSE,    /* the first; detail: 0 */
	EVENT_DEADLINE, /* detail: transport */
	EVENT_STOP,
	EVENT_CANCEL, /* by the owner */
	EVENT_HEDGE,  /* a second upstream is asked beside the silent one */
	EVENT_ALIVE,  /* the client got a sign of life; the first */
	EVENT_LEARN,  /* the upstream has named what it does not take */
	EVENT_COUNT,
};

#endif
