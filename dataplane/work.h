/* work: what front calls for a request that has an owner. The owner's struct begins with `ops`. */
#ifndef PM_WORK_H
#define PM_WORK_H

struct work {
	const struct work_ops *ops;
};

/* As the calls of struct httpd_handler; on_gone and the end of the answer end the request. */
struct work_ops {
	void (*on_request)(struct work *work);
	void (*on_writable)(struct work *work);
	void (*on_gone)(struct work *work);
};

#endif
