/* api_test: a small real request to an upstream, to see what comes. */
#ifndef PM_API_TEST_H
#define PM_API_TEST_H

struct call;

/* Each ends the call, at once or when the test has ended. */
void api_test(struct call *call);
void api_test_entry(struct call *call);
void api_show_test(struct call *call);

#endif
