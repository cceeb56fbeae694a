/* Memory for what comes with every message: no cell is handed out twice, and pages come back. */
#include "shared/slabs.h"

#include "../support/test.h"

#include <string.h>

enum { MANY = 5000 };

static struct slabs slabs;
static unsigned char *cells[MANY];

static int set_up(void **unused)
{
    (void)unused;
    slabs_init(&slabs);
    memset(cells, 0, sizeof cells);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    slabs_finish(&slabs);
    return 0;
}

static size_t bytes_of(size_t i)
{
    return i * 37 % (SLABS_CELL_MAX + 100);
}

static unsigned char mark_of(size_t i)
{
    return (unsigned char)(i * 7 + 1);
}

static void take(size_t i)
{
    cells[i] = slabs_take(&slabs, bytes_of(i));
    assert_non_null(cells[i]);
    assert_int_equal((uintptr_t)cells[i] % _Alignof(max_align_t), 0);
    memset(cells[i], mark_of(i), bytes_of(i));
}

static void give(size_t i)
{
    for (size_t at = 0; at < bytes_of(i); at++)
        assert_int_equal(cells[i][at], mark_of(i));
    slabs_give(&slabs, cells[i], bytes_of(i));
    cells[i] = NULL;
}

static void every_cell_is_its_takers_alone(void **unused)
{
    (void)unused;
    uint32_t random = 1;
    for (int turn = 0; turn < 40000; turn++) {
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 8) % MANY;
        if (cells[i])
            give(i);
        else
            take(i);
    }
    for (size_t i = 0; i < MANY; i++)
        if (cells[i])
            give(i);
    assert_int_equal(slabs.pages, 0);
}

static void a_cell_that_came_back_is_the_next(void **unused)
{
    (void)unused;
    void *first = slabs_take(&slabs, 300), *second = slabs_take(&slabs, 300);
    assert_ptr_not_equal(first, second);
    slabs_give(&slabs, first, 300);
    assert_ptr_equal(slabs_take(&slabs, 257), first); /* of the same size: 257 to 320 bytes */
    slabs_give(&slabs, first, 257);
    slabs_give(&slabs, second, 300);
}

static void a_burst_leaves_no_more_than_the_stock(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        cells[i] = slabs_take(&slabs, SLABS_CELL_MAX);
    assert_true(slabs.pages > SLABS_STOCK);
    for (size_t i = 0; i < MANY; i++)
        slabs_give(&slabs, cells[i], SLABS_CELL_MAX);
    assert_int_equal(slabs.pages, 0);
    assert_int_equal(slabs.stocked, SLABS_STOCK);
}

static void an_empty_page_serves_another_size(void **unused)
{
    (void)unused;
    void *cell = slabs_take(&slabs, 64);
    slabs_give(&slabs, cell, 64);
    assert_int_equal(slabs.stocked, 1);
    cell = slabs_take(&slabs, 1000);
    assert_int_equal(slabs.stocked, 0);
    assert_int_equal(slabs.pages, 1);
    slabs_give(&slabs, cell, 1000);
}

static void a_full_page_has_as_many_cells_as_fit(void **unused)
{
    (void)unused;
    size_t fit = 0;
    while (slabs.pages < 2)
        cells[fit++] = slabs_take(&slabs, 512);
    assert_int_equal(fit - 1, (SLABS_PAGE - 64) / 512);
    while (fit)
        slabs_give(&slabs, cells[--fit], 512);
}

static void what_is_large_or_without_slabs_is_mallocs(void **unused)
{
    (void)unused;
    void *large = slabs_take(&slabs, SLABS_CELL_MAX + 1), *other = slabs_take(NULL, 10);
    assert_non_null(large);
    assert_non_null(other);
    assert_int_equal(slabs.pages, 0);
    slabs_give(&slabs, large, SLABS_CELL_MAX + 1);
    slabs_give(NULL, other, 10);
    slabs_give(&slabs, NULL, 10);
}

#define SLABS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLABS_TEST(every_cell_is_its_takers_alone),
        SLABS_TEST(a_cell_that_came_back_is_the_next),
        SLABS_TEST(a_burst_leaves_no_more_than_the_stock),
        SLABS_TEST(an_empty_page_serves_another_size),
        SLABS_TEST(a_full_page_has_as_many_cells_as_fit),
        SLABS_TEST(what_is_large_or_without_slabs_is_mallocs),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
