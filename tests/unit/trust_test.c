/* Whose files are trusted: owners and modes of a file and of every folder above it. */
#include "dispatcher/freeze.h"
#include "dispatcher/trust.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder, *inner, *file;

static int make_file(void **unused)
{
    (void)unused;
    folder = folder_create();
    inner = path_in(folder, "inner");
    file = path_in(inner, "f.yaml");
    assert_int_equal(mkdir(inner, 0755), 0);
    file_print(file, "function: f\n");
    assert_int_equal(chmod(file, 0644), 0);
    return 0;
}

static void assert_trusted(const char *path)
{
    struct diag diag = {0};
    if (trust_check(path, &diag) != 0)
        fail_msg("%s", diag.text);
}

static void assert_refused(const char *path, const char *why, const char *remedy)
{
    struct diag diag = {0};
    assert_int_equal(trust_check(path, &diag), -EPERM);
    if (!strstr(diag.text, why) || !strstr(diag.text, remedy))
        fail_msg("'%s' does not say '%s' and '%s'", diag.text, why, remedy);
}

static void a_file_that_only_its_owner_writes_is_fine_also_below_tmp(void **unused)
{
    (void)unused;
    assert_trusted(file);
    assert_int_equal(chmod(file, 0755), 0);
    assert_trusted(file);
}

static void a_file_that_others_write_is_refused_with_the_command_to_type(void **unused)
{
    (void)unused;
    char remedy[512];
    snprintf(remedy, sizeof remedy, "chmod go-w %s", file);
    assert_int_equal(chmod(file, 0664), 0);
    assert_refused(file, "it can be written by its group (mode 0664)", remedy);
    assert_int_equal(chmod(file, 0646), 0);
    assert_refused(file, "it can be written by everybody (mode 0646)", remedy);
    assert_int_equal(chmod(file, 0666), 0);
    assert_refused(file, "it can be written by its group and everybody else (mode 0666)", remedy);
}

static void a_sticky_bit_on_the_file_itself_does_not_help(void **unused)
{
    (void)unused;
    assert_int_equal(chmod(file, 01666), 0);
    assert_refused(file, "(mode 1666)", "chmod go-w");
}

static void every_folder_above_it_counts(void **unused)
{
    (void)unused;
    char why[512];
    assert_int_equal(chmod(folder, 0775), 0);
    snprintf(why, sizeof why, "it lies in %s, which can be written by its group (mode 0775)", folder);
    assert_refused(file, why, "chmod go-w");
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(inner, 0757), 0);
    snprintf(why, sizeof why, "it lies in %s, which can be written by everybody (mode 0757)", inner);
    assert_refused(file, why, "chmod go-w");
}

static void in_a_sticky_folder_others_cannot_replace_it(void **unused)
{
    (void)unused;
    assert_int_equal(chmod(inner, 01777), 0);
    assert_trusted(file);
}

static void a_relative_path_is_looked_at_up_to_the_root(void **unused)
{
    (void)unused;
    assert_int_equal(chdir(inner), 0);
    assert_trusted("f.yaml");
    assert_int_equal(chmod(folder, 0777), 0);
    assert_refused("f.yaml", folder, "chmod go-w");
    assert_int_equal(chdir("/"), 0);
}

static void a_link_is_as_good_as_both_of_its_ends(void **unused)
{
    (void)unused;
    const char *other = folder_create(), *link = path_in(other, "link.yaml");
    assert_int_equal(symlink(file, link), 0);
    assert_trusted(link);
    assert_int_equal(chmod(inner, 0777), 0);
    assert_refused(link, inner, "chmod go-w");
    assert_int_equal(chmod(inner, 0755), 0);
    assert_int_equal(chmod(other, 0777), 0);
    assert_refused(link, other, "chmod go-w");
}

static void what_is_not_there_is_said_as_such(void **unused)
{
    (void)unused;
    struct diag diag = {0};
    assert_int_equal(trust_check(path_in(inner, "nothing"), &diag), -ENOENT);
    assert_non_null(strstr(diag.text, "No such file"));
}

/* These need root, to give files away. */

static void a_file_of_somebody_else_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(chown(file, 4242, 4242), 0);
    assert_refused(file, "it belongs to user 4242, who is neither root nor the user running hark",
                   "chown 0 ");
    assert_int_equal(chown(file, 0, 0), 0);
    assert_int_equal(chown(inner, 4242, 4242), 0);
    assert_refused(file, "which belongs to user 4242", "chown 0 ");
}

static void a_link_of_somebody_else_is_refused(void **unused)
{
    (void)unused;
    const char *link = path_in(folder, "link.yaml");
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(lchown(link, 4242, 4242), 0);
    assert_int_equal(chmod(folder, 01777), 0);
    assert_refused(link, "it is a link that belongs to user 4242", "chown 0 ");
}

static void roots_files_are_fine_for_everybody(void **unused)
{
    (void)unused;
    assert_int_equal(seteuid(4242), 0);
    assert_trusted(file);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chown(file, 4242, 4242), 0);
    assert_int_equal(seteuid(4242), 0);
    assert_trusted(file);
    assert_int_equal(seteuid(0), 0);
}

/* In a sticky folder anybody may take a name that is free for a moment. */
static bool swaps;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if (swaps) {
        swaps = false;
        assert_int_equal(unlink(path), 0);
        file_print(path, "function: g\n");
        assert_int_equal(chown(path, 4242, 4242), 0);
    }
    return __real_open(path, flags);
}

static void a_file_that_changes_hands_before_it_is_read_is_refused(void **unused)
{
    (void)unused;
    struct frozen frozen;
    struct diag diag = {0};
    assert_int_equal(chmod(inner, 01777), 0);
    if (freeze_trusted_file(file, "f", 4096, &frozen, &diag) != 0)
        fail_msg("%s", diag.text);
    freeze_finish(&frozen);
    swaps = true;
    assert_int_equal(freeze_trusted_file(file, "f", 4096, &frozen, &diag), -EPERM);
    assert_non_null(strstr(diag.text, "it belongs to user 4242, who is neither root nor the user"));
}

#define TRUST(test) cmocka_unit_test_setup_teardown(test, make_file, end_of_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST(a_file_that_only_its_owner_writes_is_fine_also_below_tmp),
        TRUST(a_file_that_others_write_is_refused_with_the_command_to_type),
        TRUST(a_sticky_bit_on_the_file_itself_does_not_help),
        TRUST(every_folder_above_it_counts),
        TRUST(in_a_sticky_folder_others_cannot_replace_it),
        TRUST(a_relative_path_is_looked_at_up_to_the_root),
        TRUST(a_link_is_as_good_as_both_of_its_ends),
        TRUST(what_is_not_there_is_said_as_such),
    };
    const struct CMUnitTest root_tests[] = {
        TRUST(a_file_of_somebody_else_is_refused),
        TRUST(a_link_of_somebody_else_is_refused),
        TRUST(roots_files_are_fine_for_everybody),
        TRUST(a_file_that_changes_hands_before_it_is_read_is_refused),
    };
    int failed = cmocka_run_group_tests_name("trust", tests, NULL, NULL);
    if (geteuid() == 0)
        failed += cmocka_run_group_tests_name("trust, as root", root_tests, NULL, NULL);
    return failed;
}
