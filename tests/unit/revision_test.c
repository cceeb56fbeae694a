#include "dispatcher/revision.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder, *manifest;
static struct diags diags;

static int make_folder(void **unused)
{
    (void)unused;
    folder = folder_create();
    manifest = path_in(folder, "f.yaml");
    file_print(manifest, "function: f\nhandler: f.so\ntriggers:\n  - topic: in\n");
    return 0;
}

static int end(void **unused)
{
    diags_finish(&diags);
    return end_of_test(unused);
}

static void drop(void *thing)
{
    revision_drop(thing);
}

static struct revision *load(const char *functions)
{
    struct revision *r = NULL;
    if (revision_load(manifest, functions, &r, &diags) != 0)
        fail_msg("%s", diags.count ? diags.items[0].text : "no complaint");
    at_end_of_test(drop, r);
    return r;
}

static void assert_fails(const char *functions, int error, const char *why)
{
    char text[DIAG_FORMATTED_MAX];
    struct revision *r = NULL;
    diags_finish(&diags);
    assert_int_equal(revision_load(manifest, functions, &r, &diags), error);
    assert_null(r);
    assert_in_range(diags.count, 1, DIAGS_MAX);
    diag_format(&diags.items[0], text, sizeof text);
    if (!strstr(text, why))
        fail_msg("'%s' does not say '%s'", text, why);
}

static void install_handler(const char *in)
{
    file_copy(TEST_SAMPLE_SO, path_in(in, "f.so"));
}

static void a_revision_holds_the_bytes_of_its_handler(void **unused)
{
    (void)unused;
    install_handler(folder);
    const struct revision *r = load(NULL);
    size_t len;
    char *expected = file_read(TEST_SAMPLE_SO, &len), *found = malloc(len + 1);
    assert_int_equal(pread(r->handler_fd, found, len + 1, 0), len);
    assert_memory_equal(found, expected, len);
    free(expected);
    free(found);
    assert_string_equal(r->manifest->function, "f");
    assert_string_equal(r->handler_path, path_in(folder, "f.so"));
    assert_int_equal(strspn(r->version, "0123456789abcdef"), REVISION_VERSION_LEN);
    assert_false(r->publish_anywhere);
}

static void nobody_can_change_what_was_frozen(void **unused)
{
    (void)unused;
    install_handler(folder);
    const struct revision *r = load(NULL);
    assert_int_equal(fcntl(r->handler_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(pwrite(r->handler_fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(r->handler_fd, 0), -1);
    assert_int_equal(fcntl(r->handler_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    file_print(r->handler_path, "overwritten in place");
    char start[4];
    assert_int_equal(pread(r->handler_fd, start, 4, 0), 4);
    assert_memory_equal(start, "\177ELF", 4);
}

static void the_version_follows_the_content_of_both_files(void **unused)
{
    (void)unused;
    install_handler(folder);
    const char *first = load(NULL)->version;
    assert_string_equal(load(NULL)->version, first);
    file_print(manifest, "function: f\nhandler: f.so\ntriggers:\n  - topic: other\n");
    const char *second = load(NULL)->version;
    assert_string_not_equal(second, first);
    file_copy_patched(TEST_SAMPLE_SO, path_in(folder, "f.so"), 9, "\1", 1); /* padding of the ELF header */
    assert_string_not_equal(load(NULL)->version, second);
}

static void use_config(const char *value)
{
    file_print(manifest, "function: f\nhandler: f.so\ntriggers:\n  - topic: in\nconfig: { key: %s }\n",
               value);
}

static void config_may_come_from_a_file_beside_the_manifest(void **unused)
{
    (void)unused;
    install_handler(folder);
    use_config("{ from_file: api.key }");
    const struct {
        const char *content, *value;
    } cases[] = {{"secret\n", "secret"},
                 {"secret", "secret"},
                 {"secret\r\n", "secret"},
                 {"two\nlines\n\n", "two\nlines\n"},
                 {"", ""},
                 {"\n", ""},
                 {" \xc3\xa4 \n", " \xc3\xa4 "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_write(path_in(folder, "api.key"), cases[i].content, strlen(cases[i].content));
        assert_string_equal(load(NULL)->manifest->config[0].value, cases[i].value);
    }
}

static void config_may_come_from_a_file_anywhere(void **unused)
{
    (void)unused;
    const char *elsewhere = path_in(folder_create(), "key");
    install_handler(folder);
    file_print(elsewhere, "far");
    char value[512];
    snprintf(value, sizeof value, "{ from_file: %s }", elsewhere);
    use_config(value);
    assert_string_equal(load(NULL)->manifest->config[0].value, "far");
}

static void the_version_follows_the_content_of_config_files(void **unused)
{
    (void)unused;
    install_handler(folder);
    use_config("{ from_file: api.key }");
    file_print(path_in(folder, "api.key"), "one");
    const char *first = load(NULL)->version;
    assert_string_equal(load(NULL)->version, first);
    file_print(path_in(folder, "api.key"), "two");
    assert_string_not_equal(load(NULL)->version, first);
}

static void a_config_file_that_is_no_good_is_said_without_its_content(void **unused)
{
    (void)unused;
    static char large[MANIFEST_CONFIG_FILE_MAX + 1];
    const char *key = path_in(folder, "api.key");
    install_handler(folder);
    use_config("{ from_file: api.key }");
    assert_fails(NULL, -ENOENT,
                 "f.yaml:5:16: config: 'key': from_file 'api.key': cannot be read: No such file");
    file_write(key, "top\0secret", 10);
    assert_fails(NULL, -EINVAL, "from_file 'api.key': is no UTF-8 text without NUL");
    file_write(key,
               "top\xff"
               "secret",
               10);
    assert_fails(NULL, -EINVAL, "from_file 'api.key': is no UTF-8 text without NUL");
    assert_null(strstr(diags.items[0].text, "secret"));
    memset(large, 'x', sizeof large);
    file_write(key, large, sizeof large);
    assert_fails(NULL, -EFBIG, "has 65537 bytes: at most 65536 are allowed");
}

static void config_from_files_fits_one_frame_to_a_worker(void **unused)
{
    (void)unused;
    static char large[MANIFEST_CONFIG_FILE_MAX];
    install_handler(folder);
    memset(large, 'x', sizeof large);
    file_write(path_in(folder, "large"), large, sizeof large);
    file_print(manifest,
               "function: f\nhandler: f.so\ntriggers:\n  - topic: in\nconfig: { a: { from_file: large }, "
               "b: { from_file: large }, c: { from_file: large }, d: { from_file: large } }\n");
    assert_fails(NULL, -EFBIG, "config: 262148 bytes in all, with what its files hold: at most 256KiB");
}

static void a_file_that_others_can_change_is_refused(void **unused)
{
    (void)unused;
    install_handler(folder);
    use_config("{ from_file: api.key }");
    file_print(path_in(folder, "api.key"), "one");
    const char *const files[] = {"f.yaml", "f.so", "api.key", "."};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)load(NULL);
        assert_int_equal(chmod(path_in(folder, files[i]), 0777), 0);
        assert_fails(NULL, -EPERM, "can be written by its group and everybody else (mode 0777): chmod go-w ");
        assert_int_equal(chmod(path_in(folder, files[i]), 0755), 0);
    }
}

static void a_revision_of_bytes_needs_no_file(void **unused)
{
    (void)unused;
    char found[8] = "";
    struct revision *r = revision_of_bytes("probe.so", slice_of("nothing"));
    assert_non_null(r);
    at_end_of_test(drop, r);
    assert_int_equal(pread(r->handler_fd, found, sizeof found, 0), 7);
    assert_string_equal(found, "nothing");
    assert_string_equal(r->manifest->function, "probe");
}

static void a_handler_is_found_beside_the_manifest_then_among_the_functions(void **unused)
{
    (void)unused;
    const char *functions = folder_create();
    install_handler(functions);
    assert_string_equal(load(functions)->handler_path, path_in(functions, "f.so"));
    install_handler(folder);
    assert_string_equal(load(functions)->handler_path, path_in(folder, "f.so"));
}

static void a_missing_handler_is_said_where_it_is_named(void **unused)
{
    (void)unused;
    assert_fails(NULL, -ENOENT, "f.yaml:2:10: handler 'f.so' not found: looked in ");
    assert_fails(NULL, -ENOENT, ": build it, put it there, or name its folder by --functions");
    assert_fails("/nowhere", -ENOENT, " and /nowhere: build it, put it into one of them");
}

static void a_missing_manifest_is_said(void **unused)
{
    (void)unused;
    file_remove(manifest);
    assert_fails(NULL, -ENOENT, "f.yaml: cannot be read: No such file or directory");
}

static void a_bad_manifest_is_said(void **unused)
{
    (void)unused;
    file_print(manifest, "function: f\n");
    assert_fails(NULL, -EINVAL, "f.yaml:");
    char *text = calloc(1, MANIFEST_BYTES_MAX + 1);
    file_write(manifest, text, MANIFEST_BYTES_MAX + 1);
    free(text);
    assert_fails(NULL, -EFBIG, "has 1048577 bytes: at most 1048576 are allowed");
}

static void a_fifo_does_not_hang(void **unused)
{
    (void)unused;
    assert_int_equal(mkfifo(path_in(folder, "f.so"), 0600), 0);
    assert_fails(NULL, -EINVAL, "is not a regular file");
    file_remove(manifest);
    assert_int_equal(mkfifo(manifest, 0600), 0);
    assert_fails(NULL, -EINVAL, "f.yaml: is not a regular file");
}

static void a_folder_or_device_is_no_handler(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(path_in(folder, "f.so"), 0700), 0);
    assert_fails(NULL, -EINVAL, "is a folder: a file is needed");
    assert_int_equal(rmdir(path_in(folder, "f.so")), 0);
    assert_int_equal(symlink("/dev/zero", path_in(folder, "f.so")), 0);
    assert_fails(NULL, -EINVAL, "is not a regular file");
}

static void a_symbolic_link_to_a_handler_is_followed(void **unused)
{
    (void)unused;
    assert_int_equal(symlink(TEST_SAMPLE_SO, path_in(folder, "f.so")), 0);
    load(NULL);
}

static void what_is_no_shared_object_is_refused_with_its_reason(void **unused)
{
    (void)unused;
    file_print(path_in(folder, "f.so"), "text");
    assert_fails(NULL, -ENOEXEC, "f.yaml:2:10: handler ");
    assert_fails(NULL, -ENOEXEC, "no ELF file");
}

static void a_handler_that_is_too_large_is_not_read(void **unused)
{
    (void)unused;
    file_print(path_in(folder, "f.so"), "x");
    assert_int_equal(truncate(path_in(folder, "f.so"), (off_t)REVISION_HANDLER_BYTES_MAX + 1), 0);
    assert_fails(NULL, -EFBIG, "at most 268435456 are allowed");
}

/* A writer in another process, which never rests until it is told. */
static pid_t keep_writing(const char *path, const void *data, size_t len)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    while (pwrite(fd, data, len, 0) == (ssize_t)len)
        ;
    _exit(1);
}

static void wait_for_the_first_write(const char *path)
{
    struct file_signature start, now;
    file_signature_take(path, &start);
    do
        file_signature_take(path, &now);
    while (file_signature_equal(&start, &now));
}

static void a_file_that_is_being_written_is_to_be_tried_again(void **unused)
{
    (void)unused;
    install_handler(folder);
    size_t len;
    char *data = file_read(TEST_SAMPLE_SO, &len);
    pid_t pid = keep_writing(path_in(folder, "f.so"), data, len);
    assert_true(pid > 0);
    wait_for_the_first_write(path_in(folder, "f.so"));
    /* A writer that gets no processor writes nothing: then the file is as good as finished. */
    int error = 0;
    uint64_t guard_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    while (error == 0 && clock_now_ns() < guard_ns) {
        struct revision *r = NULL;
        error = revision_load(manifest, NULL, &r, &diags);
        revision_drop(r);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(data);
    assert_int_equal(error, -EAGAIN);
    assert_non_null(strstr(diags.items[0].text, "being written"));
    load(NULL);
}

static void a_bare_handler_may_publish_anywhere(void **unused)
{
    (void)unused;
    struct revision *r = NULL;
    assert_int_equal(revision_load_handler(TEST_SAMPLE_SO, &r, &diags), 0);
    at_end_of_test(drop, r);
    assert_true(r->publish_anywhere);
    assert_string_equal(r->manifest->triggers[0].topic, "#");
    struct revision *none = NULL;
    assert_int_equal(revision_load_handler("/nowhere/f.so", &none, &diags), -ENOENT);
    assert_string_equal(diags.items[0].file, "/nowhere/f.so");
}

static void the_last_drop_closes_the_file(void **unused)
{
    (void)unused;
    struct revision *r = NULL;
    install_handler(folder);
    assert_int_equal(revision_load(manifest, NULL, &r, &diags), 0);
    int fd = r->handler_fd;
    revision_hold(r);
    revision_drop(r);
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
    revision_drop(r);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    revision_drop(NULL);
}

static void a_signature_tells_a_change(void **unused)
{
    (void)unused;
    struct file_signature before, same, after;
    file_signature_take(manifest, &before);
    file_signature_take(manifest, &same);
    assert_true(file_signature_equal(&before, &same));
    file_print(manifest, "longer than it was before, surely, though not a manifest any more, is it\n");
    file_signature_take(manifest, &after);
    assert_false(file_signature_equal(&before, &after));
    file_remove(manifest);
    file_signature_take(manifest, &after);
    assert_false(after.exists);
    assert_false(file_signature_equal(&before, &after));
}

static void a_file_is_still_when_nobody_has_touched_it_for_that_long(void **unused)
{
    (void)unused;
    struct file_signature s = {.exists = true, .modified = {1, 0}, .changed = {1000, 20000000}};
    assert_true(file_signature_is_still(&s, (struct timespec){1000, 50000000}, 30000000));
    assert_false(file_signature_is_still(&s, (struct timespec){1000, 49999999}, 30000000));
    assert_true(file_signature_is_still(&s, (struct timespec){1001, 0}, 30000000));
    assert_false(
        file_signature_is_still(&s, (struct timespec){999, 990000000}, 30000000)); /* of the future */
    s.exists = false;
    assert_false(file_signature_is_still(&s, (struct timespec){2000, 0}, 30000000));
}

#define revision_test(f) cmocka_unit_test_setup_teardown(f, make_folder, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        revision_test(a_revision_holds_the_bytes_of_its_handler),
        revision_test(nobody_can_change_what_was_frozen),
        revision_test(the_version_follows_the_content_of_both_files),
        revision_test(config_may_come_from_a_file_beside_the_manifest),
        revision_test(config_may_come_from_a_file_anywhere),
        revision_test(the_version_follows_the_content_of_config_files),
        revision_test(a_config_file_that_is_no_good_is_said_without_its_content),
        revision_test(config_from_files_fits_one_frame_to_a_worker),
        revision_test(a_file_that_others_can_change_is_refused),
        revision_test(a_revision_of_bytes_needs_no_file),
        revision_test(a_handler_is_found_beside_the_manifest_then_among_the_functions),
        revision_test(a_missing_handler_is_said_where_it_is_named),
        revision_test(a_missing_manifest_is_said),
        revision_test(a_bad_manifest_is_said),
        revision_test(a_fifo_does_not_hang),
        revision_test(a_folder_or_device_is_no_handler),
        revision_test(a_symbolic_link_to_a_handler_is_followed),
        revision_test(what_is_no_shared_object_is_refused_with_its_reason),
        revision_test(a_handler_that_is_too_large_is_not_read),
        revision_test(a_file_that_is_being_written_is_to_be_tried_again),
        revision_test(a_bare_handler_may_publish_anywhere),
        revision_test(the_last_drop_closes_the_file),
        revision_test(a_signature_tells_a_change),
        revision_test(a_file_is_still_when_nobody_has_touched_it_for_that_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
