/* slabs.h: memory for what comes and goes with every message: cells of some sizes, cut out of pages.
 *
 * Any process, one thread. To take a cell or to give it back is a few steps, whatever came before. A page
 * whose cells are all back serves any size next; beyond SLABS_STOCK of such pages they go back to malloc, so
 * what a burst needed does not stay. A cell is aligned for any type. What is larger than SLABS_CELL_MAX comes
 * from malloc itself. */
#ifndef HARK_SHARED_SLABS_H
#define HARK_SHARED_SLABS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
    SLABS_STEP = 64, /* bytes between two sizes of cells */
    SLABS_CELL_MAX = 1024,
    SLABS_SIZES = SLABS_CELL_MAX / SLABS_STEP,
    SLABS_PAGE = 32 * 1024, /* bytes, header included; also its alignment */
    SLABS_STOCK = 64        /* empty pages that are kept: 2 MiB, of a thousand messages and more */
};

struct slabs_page;
TAILQ_HEAD(slabs_pages, slabs_page);

struct slabs {
    struct slabs_pages open[SLABS_SIZES]; /* pages with a free cell, by size */
    struct slabs_pages stock;             /* empty pages */
    uint32_t stocked, pages;              /* in the stock; in use */
};

void slabs_init(struct slabs *s);
/* All cells are back. */
void slabs_finish(struct slabs *s);

/* NULL: out of memory. s == NULL: from malloc. */
void *slabs_take(struct slabs *s, size_t bytes);
/* `bytes` as it was taken with. cell == NULL: nothing to do. */
void slabs_give(struct slabs *s, void *cell, size_t bytes);

#endif
