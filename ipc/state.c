#include "state.h"
#include "fields.h"

#define NUMBER(member)                                                                             \
	{                                                                                          \
		.key = #member, .kind = FIELD_U64, .offset = offsetof(struct report, member),      \
		.min = 0, .max = INT64_MAX                                                         \
	}
#define OTHER(member, field_kind, low, high)                                                       \
	{                                                                                          \
		.key = #member, .kind = field_kind, .offset = offsetof(struct report, member),     \
		.min = low, .max = high                                                            \
	}

static const struct field report_fields[] = {
    OTHER(instance, FIELD_TEXT, 1, sizeof(((struct report *)NULL)->instance) - 1),
    OTHER(boot_id, FIELD_BITS64, 0, 0),
    OTHER(pid, FIELD_I64, 1, INT32_MAX),
    OTHER(started_ms, FIELD_I64, 0, INT64_MAX),
    OTHER(table_epoch, FIELD_BITS64, 0, 0),
    NUMBER(table_version),
    NUMBER(requests),
    NUMBER(completed),
    NUMBER(failed),
    NUMBER(client_gone),
    NUMBER(attempts),
    NUMBER(bytes_in),
    NUMBER(bytes_out),
    NUMBER(in_flight),
    NUMBER(connections),
    NUMBER(rss_bytes),
};
#define REPORT_FIELDS (sizeof(report_fields) / sizeof(report_fields[0]))

json_t *
report_encode(const struct report *report)
{
	return fields_encode(report_fields, REPORT_FIELDS, report);
}

bool
report_decode(const json_t *body, struct report *out, struct err *err)
{
	*out = (struct report){0};
	return fields_decode(report_fields, REPORT_FIELDS, 0, body, "", out, err);
}
