/* jsonspan_skip: where a string, an object or an array of a checked JSON text ends. Part of
 * jsonspan; nobody else needs it. Texts are trusted to be JSON here, never to be long enough:
 * nothing is read at or behind `end`. */
#ifndef PM_JSONSPAN_SKIP_H
#define PM_JSONSPAN_SKIP_H

/* `p` is behind the opening quote. Returns where it goes on behind the closing one, or `end`. */
const char *jsonspan_skip_string(const char *p, const char *end);
/* `p` is at '{' or '['. Returns where it goes on behind the bracket that closes it, or `end`. */
const char *jsonspan_skip_container(const char *p, const char *end);

#endif
