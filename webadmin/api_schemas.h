/* api_schemas: the shapes of bodies and answers, as JSON Schema. */
#ifndef PM_API_SCHEMAS_H
#define PM_API_SCHEMAS_H

#include <stddef.h>

struct api_schema {
	const char *name, *json;
};

/* Those that the rows of the route table name, but for the ones made from the settings. */
const struct api_schema *api_schemas(size_t *count);

#endif
