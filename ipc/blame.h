/* blame: who is at fault for the end of an upstream call. Only who is blamed is punished. */
#ifndef PM_BLAME_H
#define PM_BLAME_H

enum blame {
	BLAME_NOBODY,
	BLAME_REQUEST,  /* any upstream would refuse it */
	BLAME_KEY,      /* this entry's key: refused, without credit, rate-limited */
	BLAME_MODEL,    /* this model at this entry */
	BLAME_UPSTREAM, /* it answered, and badly; or not in time */
	BLAME_NETWORK,  /* the way to its address */
	BLAME_US,
	BLAME_CLIENT,
};
/* "nobody", "request", ... in this order; NULL at the end. */
extern const char *const blame_words[];

#endif
