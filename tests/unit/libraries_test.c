/* Libraries become cheap to fork, and must not notice. */
#include "worker/libraries.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RELOCATED "memfd:hark-relocated"

enum { LINE_BYTES = 512 };

static const char *(*word)(int index);
static int (*count_up)(void);

static int open_library(void **unused)
{
    (void)unused;
    size_t known = libraries_count();
    void *library = dlopen(TEST_LIBRARIES_SO, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    assert_true(libraries_count() > known);
    *(void **)&word = dlsym(library, "sample_word");
    *(void **)&count_up = dlsym(library, "sample_count");
    assert_int_equal(count_up(), 41);
    return libraries_put_aside(known);
}

struct totals {
    size_t readable, writable, executable, other, written_kib;
};

static void note_mapping(struct totals *t, const char *rights)
{
    if (strcmp(rights, "r--p") == 0)
        t->readable++;
    else if (strcmp(rights, "rw-p") == 0)
        t->writable++;
    else if (strcmp(rights, "r-xp") == 0)
        t->executable++;
    else
        t->other++;
}

/* Of the mappings of one file. */
static struct totals sum_up(const char *file)
{
    struct totals t = {0};
    char line[LINE_BYTES], rights[5];
    size_t kib;
    bool is_file = false;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    assert_non_null(smaps);
    while (fgets(line, sizeof line, smaps)) {
        if (sscanf(line, "%*x-%*x %4s %*x", rights) == 1 && strchr(line, '-') < strchr(line, ' ')) {
            is_file = strstr(line, file) != NULL;
            if (is_file)
                note_mapping(&t, rights);
        } else if (is_file && sscanf(line, "Anonymous: %zu", &kib) == 1)
            t.written_kib += kib;
    }
    fclose(smaps);
    return t;
}

static void what_was_relocated_is_a_file_that_nobody_has_written_to(void **unused)
{
    (void)unused;
    struct totals t = sum_up(RELOCATED);
    assert_true(t.readable + t.writable > 0);
    assert_int_equal(t.written_kib, 0);
}

static void what_was_for_reading_alone_is_so_again(void **unused)
{
    (void)unused;
    struct totals t = sum_up(RELOCATED);
    assert_int_equal(t.readable, 1);
    assert_int_equal(t.writable, 1);
    assert_int_equal(t.executable + t.other, 0);
}

static void headers_code_and_constants_are_one_mapping(void **unused)
{
    (void)unused;
    struct totals before = sum_up(TEST_LIBRARIES_SO);
    assert_int_equal(before.readable, 2);
    assert_int_equal(before.executable, 1);
    libraries_join_text();
    struct totals after = sum_up(TEST_LIBRARIES_SO);
    assert_int_equal(after.executable, 1);
    assert_int_equal(after.readable + after.writable + after.other, 0);
    assert_int_equal(after.written_kib, 0);
}

/* Nothing that can be written to, of any object, has become code. */
static void what_can_be_written_to_is_no_code(void **unused)
{
    (void)unused;
    char line[LINE_BYTES], rights[5];
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        assert_false(sscanf(line, "%*s %4s", rights) == 1 && rights[1] == 'w' && rights[2] == 'x');
    fclose(maps);
}

static void the_library_finds_what_it_had(void **unused)
{
    (void)unused;
    assert_string_equal(word(0), "one");
    assert_string_equal(word(1), "two");
    assert_int_equal(count_up(), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_relocated_is_a_file_that_nobody_has_written_to),
        cmocka_unit_test(what_was_for_reading_alone_is_so_again),
        cmocka_unit_test(headers_code_and_constants_are_one_mapping),
        cmocka_unit_test(what_can_be_written_to_is_no_code),
        cmocka_unit_test(the_library_finds_what_it_had),
    };
    return cmocka_run_group_tests(tests, open_library, NULL);
}
