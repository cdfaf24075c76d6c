/* price_rows: the prices of a table: the owner's section `prices`, then what is known beforehand.
 */
#ifndef PM_PRICE_ROWS_H
#define PM_PRICE_ROWS_H

#include "config.h"
#include "table.h"

/* Of the prices that are known beforehand, with where they come from. */
#define PRICE_ROWS_DATE "2026-11-26"

/* Adds the rows in the order in which they count: the owner's before the known ones; among each the
 * more exact name of a model first (more characters that are no '*'), then the later `from`. */
void price_rows_add(struct table *table, const struct config *config);
/* What an upstream takes, in millionths of the price, by its entry in the document. */
uint32_t price_rows_factor(const json_t *entry);

#endif
