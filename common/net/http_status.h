/* http_status: reason phrases. */
#ifndef PM_HTTP_STATUS_H
#define PM_HTTP_STATUS_H
/* "OK", "Not Found", ...; "Status" for unknown codes (529 is "Overloaded"). */
const char *http_status_reason(int status);
#endif
