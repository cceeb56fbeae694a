/* elf_facts_test.c: what is read of a .so before it runs; this test is linked to nothing special, so that the
 * file is one that the build has made. */
#include "cli/elf_facts.h"
#include "support/files.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *relay(size_t *ret_len)
{
    return (uint8_t *)file_read(TEST_FUNCTIONS "/relay.so", ret_len);
}

static void the_symbol_of_the_handler_is_found(void **unused)
{
    (void)unused;
    size_t len;
    uint8_t *data = relay(&len);
    struct elf_facts facts;
    elf_facts_read(data, len, &facts);
    free(data);
    assert_string_equal(facts.handle, "handle");
    assert_string_equal(facts.sanitizer, "");
    assert_string_equal(facts.runpath, "");
}

static void a_file_that_ends_anywhere_harms_nobody(void **unused)
{
    (void)unused;
    size_t len;
    uint8_t *data = relay(&len);
    for (size_t cut = 0; cut < len; cut += cut < 512 ? 1 : 61) {
        struct elf_facts facts;
        uint8_t *part = malloc(cut ? cut : 1); /* its own memory: who reads behind it is seen */
        memcpy(part, data, cut);
        elf_facts_read(part, cut, &facts);
        assert_true(strlen(facts.handle) < ELF_NAME_MAX);
        if (cut < len / 2) /* the section headers come last */
            assert_string_equal(facts.handle, "");
        free(part);
    }
    free(data);
}

/* Every byte of the header of the file, of the section headers and of the tables, in turn. */
static void a_file_with_any_byte_wrong_harms_nobody(void **unused)
{
    (void)unused;
    size_t len;
    uint8_t *data = relay(&len);
    for (size_t at = 0; at < len; at++) {
        struct elf_facts facts;
        uint8_t was = data[at];
        data[at] = (uint8_t)~was;
        elf_facts_read(data, len, &facts);
        assert_true(strlen(facts.handle) < ELF_NAME_MAX);
        data[at] = was;
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_symbol_of_the_handler_is_found),
        cmocka_unit_test(a_file_that_ends_anywhere_harms_nobody),
        cmocka_unit_test(a_file_with_any_byte_wrong_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
