/* table_words: the words and members of the table's JSON form, for its codec alone. */
#ifndef PM_TABLE_WORDS_H
#define PM_TABLE_WORDS_H

#include "fields.h"

extern const char *const table_protocol_words[];
extern const char *const table_tier_words[];
extern const char *const table_group_words[];
extern const char *const table_off_words[];

#endif
