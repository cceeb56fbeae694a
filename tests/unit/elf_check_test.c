#include "dispatcher/elf_check.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *object;
static size_t object_len;

static int read_object(void **unused)
{
    (void)unused;
    object = (uint8_t *)file_read(TEST_SAMPLE_SO, &object_len);
    return 0;
}

static int forget_object(void **unused)
{
    free(object);
    return end_of_test(unused);
}

static Elf64_Ehdr *header(void)
{
    return (Elf64_Ehdr *)object;
}

static void assert_refused(const void *data, size_t len, const char *why)
{
    struct diag diag = {0};
    assert_int_equal(elf_check(data, len, &diag), -ENOEXEC);
    assert_string_equal(diag.file, "");
    if (!strstr(diag.text, why))
        fail_msg("'%s' does not say '%s'", diag.text, why);
}

static void assert_object_refused(const char *why)
{
    assert_refused(object, object_len, why);
}

static void a_shared_object_is_accepted(void **unused)
{
    (void)unused;
    struct diag diag = {0};
    assert_int_equal(elf_check(object, object_len, &diag), 0);
}

static void what_is_no_elf_is_named(void **unused)
{
    (void)unused;
    assert_refused("", 0, "the file is empty");
    assert_refused("#!/bin/sh\n", 10, "script");
    assert_refused("!<arch>\nxxxxxxxx", 16, "static library");
    assert_refused("just some text, and then some more of it, longer than any header is", 67, "no ELF file");
    assert_refused("x", 1, "(no ELF file): a .so is needed, or a name that ends in .lua or .js");
}

static void a_foreign_machine_is_named(void **unused)
{
    (void)unused;
    header()->e_machine = header()->e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    assert_object_refused(header()->e_machine == EM_AARCH64 ? "built for ARM64" : "built for x86-64");
    header()->e_machine = 0x1234;
    assert_object_refused("e_machine 4660");
}

static void another_class_or_byte_order_is_refused(void **unused)
{
    (void)unused;
    header()->e_ident[EI_CLASS] = ELFCLASS32;
    assert_object_refused("32-bit");
    header()->e_ident[EI_CLASS] = 9;
    assert_object_refused("class 9");
    header()->e_ident[EI_CLASS] = ELFCLASS64;
    header()->e_ident[EI_DATA] ^= 3; /* LSB is 1, MSB is 2 */
    assert_object_refused("byte order");
}

static void what_is_not_linked_with_shared_is_told_so(void **unused)
{
    (void)unused;
    header()->e_type = ET_REL;
    assert_object_refused("object file");
    header()->e_type = ET_EXEC;
    assert_object_refused("executable");
    header()->e_type = ET_CORE;
    assert_object_refused("e_type 4");
}

static void a_position_independent_executable_is_refused(void **unused)
{
    (void)unused;
    free(object);
    object = (uint8_t *)file_read("/proc/self/exe", &object_len);
    assert_int_equal(header()->e_type, ET_DYN);
    assert_object_refused("this is an executable");
}

static void a_file_cut_anywhere_is_refused(void **unused)
{
    (void)unused;
    for (size_t len = 4; len < object_len; len += len < 256 ? 1 : 97)
        assert_refused(object, len, "cut short");
    assert_refused(object, object_len - 1, "cut short");
}

static void sizes_that_overflow_are_refused(void **unused)
{
    (void)unused;
    header()->e_shoff = UINT64_MAX - 8;
    assert_object_refused("cut short");
    header()->e_shoff = 0; /* no section headers: fine */
    header()->e_phoff = UINT64_MAX - 8;
    assert_object_refused("cut short");
    header()->e_phoff = object_len;
    assert_object_refused("cut short");
}

static void a_header_without_segments_is_refused(void **unused)
{
    (void)unused;
    header()->e_phentsize = 1;
    assert_object_refused("e_phentsize 1");
    header()->e_phnum = 0;
    assert_object_refused("nothing to load");
}

/* No claim about which verdict: any single damaged byte must give one, inside the bounds (the sanitizers
 * watch). */
static void no_damaged_byte_is_read_out_of_bounds(void **unused)
{
    (void)unused;
    size_t refused = 0;
    for (size_t i = 0; i < 64 + 56 * (size_t)header()->e_phnum && i < object_len; i++) {
        struct diag diag = {0};
        uint8_t *copy = malloc(object_len);
        assert_non_null(copy);
        memcpy(copy, object, object_len);
        copy[i] = 0xff;
        refused += elf_check(copy, object_len, &diag) == -ENOEXEC && diag.text[0] != '\0';
        free(copy);
    }
    assert_in_range(refused, 20, object_len);
}

#define elf_test(f) cmocka_unit_test_setup_teardown(f, read_object, forget_object)

int main(void)
{
    const struct CMUnitTest tests[] = {
        elf_test(a_shared_object_is_accepted),
        elf_test(what_is_no_elf_is_named),
        elf_test(a_foreign_machine_is_named),
        elf_test(another_class_or_byte_order_is_refused),
        elf_test(what_is_not_linked_with_shared_is_told_so),
        elf_test(a_position_independent_executable_is_refused),
        elf_test(a_file_cut_anywhere_is_refused),
        elf_test(sizes_that_overflow_are_refused),
        elf_test(a_header_without_segments_is_refused),
        elf_test(no_damaged_byte_is_read_out_of_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
