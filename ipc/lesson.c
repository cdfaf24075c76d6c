#include "lesson.h"
#include <stddef.h>

const char *const lesson_kind_words[] = {"beta", "field", "thinking", "encrypted", NULL};
