#include "shared/slabs.h"

#include "shared/check.h"

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#endif

/* A cell that is not taken is out of bounds, where a sanitizer watches them. */
#ifdef POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

/* A cell that is not taken. */
struct free_cell {
    struct free_cell *next;
};

/* The first bytes of a page; cells follow. */
struct slabs_page {
    TAILQ_ENTRY(slabs_page) link;
    struct free_cell *free; /* cells that came back */
    uint32_t cell_bytes, used;
    uint32_t fresh; /* offset of the first cell that was never taken: its memory was never touched */
};

/* The last bytes are malloc's own, so that pages lie side by side without a gap. */
enum {
    FIRST_CELL = (sizeof(struct slabs_page) + SLABS_STEP - 1) / SLABS_STEP * SLABS_STEP,
    PAGE_BYTES = SLABS_PAGE - 16
};

void slabs_init(struct slabs *s)
{
    *s = (struct slabs){0};
    for (size_t i = 0; i < SLABS_SIZES; i++)
        TAILQ_INIT(&s->open[i]);
    TAILQ_INIT(&s->stock);
}

void slabs_finish(struct slabs *s)
{
    struct slabs_page *page;
    CHECK(s->pages == 0);
    while ((page = TAILQ_FIRST(&s->stock))) {
        TAILQ_REMOVE(&s->stock, page, link);
        free(page);
    }
    s->stocked = 0;
}

/* ---- pages ---- */

static struct slabs_page *page_of(void *cell)
{
    return (struct slabs_page *)((uintptr_t)cell & ~(uintptr_t)(SLABS_PAGE - 1));
}

static bool has_fresh(const struct slabs_page *page)
{
    return page->fresh + page->cell_bytes <= PAGE_BYTES;
}

static struct slabs_page *from_stock(struct slabs *s)
{
    struct slabs_page *page = TAILQ_FIRST(&s->stock);
    if (page) {
        TAILQ_REMOVE(&s->stock, page, link);
        s->stocked--;
    }
    return page;
}

static struct slabs_page *page_open(struct slabs *s, struct slabs_pages *open, uint32_t cell_bytes)
{
    void *memory = from_stock(s);
    if (!memory && posix_memalign(&memory, SLABS_PAGE, PAGE_BYTES))
        return NULL;
    struct slabs_page *page = memory;
    *page = (struct slabs_page){.cell_bytes = cell_bytes, .fresh = FIRST_CELL};
    ASAN_POISON_MEMORY_REGION((char *)page + FIRST_CELL, PAGE_BYTES - FIRST_CELL);
    TAILQ_INSERT_HEAD(open, page, link);
    s->pages++;
    return page;
}

static void page_close(struct slabs *s, struct slabs_pages *open, struct slabs_page *page)
{
    TAILQ_REMOVE(open, page, link);
    s->pages--;
    ASAN_UNPOISON_MEMORY_REGION((char *)page + FIRST_CELL, PAGE_BYTES - FIRST_CELL);
    if (s->stocked == SLABS_STOCK) {
        free(page);
        return;
    }
    TAILQ_INSERT_HEAD(&s->stock, page, link);
    s->stocked++;
}

/* ---- cells ---- */

static size_t size_of(size_t bytes)
{
    return bytes ? (bytes - 1) / SLABS_STEP : 0;
}

static void *take_fresh(struct slabs_page *page)
{
    void *cell = (char *)page + page->fresh;
    page->fresh += page->cell_bytes;
    ASAN_UNPOISON_MEMORY_REGION(cell, page->cell_bytes);
    return cell;
}

static void *take_freed(struct slabs_page *page)
{
    struct free_cell *cell = page->free;
    ASAN_UNPOISON_MEMORY_REGION(cell, page->cell_bytes);
    page->free = cell->next;
    return cell;
}

void *slabs_take(struct slabs *s, size_t bytes)
{
    if (!s || bytes > SLABS_CELL_MAX)
        return malloc(bytes);
    struct slabs_pages *open = &s->open[size_of(bytes)];
    struct slabs_page *page = TAILQ_FIRST(open);
    if (!page && !(page = page_open(s, open, (uint32_t)(size_of(bytes) + 1) * SLABS_STEP)))
        return NULL;
    void *cell = page->free ? take_freed(page) : take_fresh(page);
    page->used++;
    if (!page->free && !has_fresh(page))
        TAILQ_REMOVE(open, page, link);
    return cell;
}

void slabs_give(struct slabs *s, void *cell, size_t bytes)
{
    if (!s || bytes > SLABS_CELL_MAX) {
        free(cell);
        return;
    }
    if (!cell)
        return;
    struct slabs_page *page = page_of(cell);
    struct slabs_pages *open = &s->open[size_of(bytes)];
    struct free_cell *freed = cell;
    CHECK(page->used > 0 && page->cell_bytes == (size_of(bytes) + 1) * SLABS_STEP);
    if (!page->free && !has_fresh(page))
        TAILQ_INSERT_HEAD(open, page, link);
    freed->next = page->free;
    page->free = freed;
    ASAN_POISON_MEMORY_REGION(cell, page->cell_bytes);
    if (--page->used == 0)
        page_close(s, open, page);
}
