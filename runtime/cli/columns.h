/* columns.h: how many columns of a terminal a text takes. Pure, and the same in every locale: hark may run
 * in none.
 *
 * Ideographs, kana, Hangul and pictographs take two (Unicode Standard Annex #11), all else is taken for one.
 * Where a block has both, and for marks that combine, the count may be too high: a line is cut early then,
 * and never runs over. */
#ifndef HARK_CLI_COLUMNS_H
#define HARK_CLI_COLUMNS_H

#include <stddef.h>

size_t columns_of(const char *text); /* NULL: 0 */

/* Columns of the first character of *text, which it passes; *text is not at its end. */
size_t columns_take(const char **text);

#endif
