#include "capability.h"

const char *const capability_toggle_words[] = {"", "off", "on", NULL};
const char *const capability_thinking_words[] = {"", "none", "budget", "both", "adaptive", NULL};
const char *const capability_fold_words[] = {"off", "converted", "all", NULL};
