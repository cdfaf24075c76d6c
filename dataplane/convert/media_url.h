/* media_url: images and files in the form that both protocols of OpenAI use: a URL, a data URL, or
 * bare base64. */
#ifndef PM_MEDIA_URL_H
#define PM_MEDIA_URL_H

#include "arena.h"
#include "jsonspan.h"
#include "model.h"
#include <stdbool.h>

/* A JSON string that holds an http(s) URL (MEDIA_URL) or "data:<type>;base64,<data>"
 * (MEDIA_BASE64). False: it is neither, or the arena is full. */
bool media_url_read(struct arena *arena, struct jsonspan_value string, struct media *out);
/* The same for the data of a file: a data URL, or bare base64, which is taken for a PDF. Files of
 * text become MEDIA_PLAIN_TEXT when they are UTF-8. */
bool media_url_read_file(struct arena *arena, struct jsonspan_value string, struct media *out);

#endif
