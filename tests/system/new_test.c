/* new_test.c: `hark new`: what it makes, what it refuses, and that nothing half-made stays. Whether what it
 * makes builds and works is newcomer.sh's to see. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/small_disk.h"
#include "support/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FEW_KIB = 16 };

static bool has_small_disks;

static struct outcome new_in(const char *folder, const char *hark, bool as_nobody, const char *arguments)
{
    static const char script[] = "cd \"$1\" && exec \"$0\" new $2";
    const char *const argv[] = {"sh", "-c", script, hark, folder, arguments, NULL};
    return command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = as_nobody});
}

static bool is_there(const char *folder, const char *name)
{
    return access(path_in(folder, name), F_OK) == 0;
}

static void assert_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        assert_true(strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    closedir(dir);
}

static void assert_no_placeholder(const char *path)
{
    size_t len;
    char *text = file_read(path, &len);
    assert_null(strstr(text, "@NAME@"));
    assert_null(strstr(text, "@CRATE@"));
    assert_null(strstr(text, "@HANDLER@"));
    assert_null(strstr(text, "@LANG@"));
    assert_null(strstr(text, "@SCHEMAS@"));
    free(text);
}

static void assert_made(const char *folder, const char *const *files)
{
    for (; *files; files++) {
        if (!is_there(folder, *files))
            fail_msg("%s is missing", *files);
        assert_no_placeholder(path_in(folder, *files));
    }
}

static void it_makes_a_folder_and_says_what_to_type_next(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct outcome o = new_in(folder, TEST_HARK, false, "hello-2");
    assert_string_equal(o.out, "cd hello-2 && cmake -B build && cmake --build build\nhark test\nhark dev\n");
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
    assert_made(folder,
                (const char *const[]){"hello-2/hello-2.c", "hello-2/hello-2_test.c", "hello-2/hello-2.yaml",
                                      "hello-2/hello-2.test.yaml", "hello-2/CMakeLists.txt",
                                      "hello-2/README.md", "hello-2/.gitignore", NULL});
}

static void cpp_is_another_language(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_int_equal(new_in(folder, TEST_HARK, false, "--lang cpp hello").code, 0);
    assert_made(folder, (const char *const[]){"hello/hello.cpp", "hello/hello_test.cpp", NULL});
    assert_false(is_there(folder, "hello/hello.c"));
}

static void rust_has_a_manifest_of_cargo_and_a_makefile(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct outcome o = new_in(folder, TEST_HARK, false, "--lang rust hello-2");
    assert_string_equal(o.out, "cd hello-2 && make\nhark test\nhark dev\n");
    assert_int_equal(o.code, 0);
    assert_made(folder,
                (const char *const[]){"hello-2/src/lib.rs", "hello-2/src/tests.rs", "hello-2/Cargo.toml",
                                      "hello-2/Makefile", "hello-2/hello-2.yaml", "hello-2/README.md",
                                      "hello-2/.gitignore", NULL});
    assert_false(is_there(folder, "hello-2/CMakeLists.txt"));
}

static void the_crate_that_rust_needs_is_where_its_manifest_says(void **unused)
{
    (void)unused;
    static const char mark[] = "hark = { path = \"";
    const char *folder = folder_create();
    size_t len;
    assert_int_equal(new_in(folder, TEST_HARK, false, "--lang rust hello").code, 0);
    char *text = file_read(path_in(folder, "hello/Cargo.toml"), &len), *path = strstr(text, mark);
    assert_non_null(path);
    path += strlen(mark);
    path[strcspn(path, "\"")] = '\0';
    assert_int_equal(access(path_in(path, "src/lib.rs"), R_OK), 0);
    free(text);
}

/* As it is, under the whole seal. */
static void a_script_passes_its_tests(const char *language)
{
    const char *folder = folder_create();
    char arguments[32], script[64], expected[64];
    snprintf(arguments, sizeof arguments, "--lang %s hello", language);
    snprintf(script, sizeof script, "hello/hello.%s", language);
    snprintf(expected, sizeof expected, "handler: hello.%s", language);
    struct outcome o = new_in(folder, TEST_HARK, false, arguments);
    assert_string_equal(o.out, "cd hello\nhark test\nhark dev\n");
    assert_string_equal(o.err, "");
    assert_made(folder, (const char *const[]){script, "hello/hello.yaml", "hello/hello.test.yaml",
                                              "hello/README.md", NULL});
    assert_false(is_there(folder, "hello/.gitignore"));
    size_t len;
    char *manifest = file_read(path_in(folder, "hello/hello.yaml"), &len);
    assert_non_null(strstr(manifest, expected));
    free(manifest);
    o = hark_command("test", path_in(folder, "hello"));
    assert_non_null(strstr(o.out, "3 passed, 0 failed"));
    assert_int_equal(o.code, 0);
    assert_int_equal(hark_command("check", path_in(folder, "hello")).code, 0);
}

static void lua_needs_no_compiler(void **unused)
{
    (void)unused;
    a_script_passes_its_tests("lua");
}

static void javascript_needs_no_compiler(void **unused)
{
    (void)unused;
    a_script_passes_its_tests("js");
}

/* A hark that was installed without hark-dev has no ../share/hark. */
static void without_the_sdk_it_says_what_to_install(void **unused)
{
    (void)unused;
    static const char *const languages[] = {"", "--lang cpp", "--lang rust"};
    const char *program = path_in(folder_create(), "hark");
    file_copy(TEST_HARK, program);
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        const char *folder = folder_create();
        char arguments[32];
        snprintf(arguments, sizeof arguments, "%s hello", languages[i]);
        struct outcome o = new_in(folder, program, false, arguments);
        assert_int_equal(o.code, 0);
        assert_non_null(strstr(o.err, "install hark-dev"));
        assert_true(is_there(folder, "hello/hello.yaml"));
    }
    struct outcome o = new_in(folder_create(), program, false, "--lang lua hello");
    assert_int_equal(o.code, 0);
    assert_string_equal(o.err, "");
}

static void the_schemas_that_its_files_name_are_there(void **unused)
{
    (void)unused;
    static const char *const files[] = {"hello/hello.yaml", "hello/hello.test.yaml"};
    static const char mark[] = "# yaml-language-server: $schema=";
    const char *folder = folder_create();
    assert_int_equal(new_in(folder, TEST_HARK, false, "hello").code, 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t len;
        char *text = file_read(path_in(folder, files[i]), &len);
        assert_memory_equal(text, mark, strlen(mark));
        *strchr(text, '\n') = '\0';
        assert_int_equal(access(text + strlen(mark), R_OK), 0);
        free(text);
    }
}

static void a_wide_umask_lets_nobody_else_write(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct stat s;
    mode_t before = umask(0);
    struct outcome o = new_in(folder, TEST_HARK, false, "hello");
    umask(before);
    assert_int_equal(o.code, 0);
    assert_int_equal(stat(path_in(folder, "hello"), &s), 0);
    assert_int_equal(s.st_mode & 07777, 0755);
    assert_int_equal(stat(path_in(folder, "hello/hello.yaml"), &s), 0);
    assert_int_equal(s.st_mode & 07777, 0644);
}

static void a_name_that_no_function_may_have_is_refused(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_refused(new_in(folder, TEST_HARK, false, "Hello"), USAGE, "'Hello' is not a function's name");
    assert_refused(new_in(folder, TEST_HARK, false, "../hello"), USAGE,
                   "'../hello' is not a function's name");
    assert_refused(new_in(folder, TEST_HARK, false, "test"), USAGE, "CMake");
    assert_refused(new_in(folder, TEST_HARK, false, ""), USAGE, "a name is needed");
    assert_refused(new_in(folder, TEST_HARK, false, "one two"), USAGE, "two");
    assert_empty(folder);
}

static void only_with_cmake_its_targets_are_no_names(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_int_equal(new_in(folder, TEST_HARK, false, "--lang lua test").code, 0);
    assert_int_equal(new_in(folder, TEST_HARK, false, "--lang rust clean").code, 0);
    assert_refused(new_in(folder, TEST_HARK, false, "--lang cpp all"), USAGE, "CMake");
}

static void an_unknown_language_is_refused(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_refused(new_in(folder, TEST_HARK, false, "--lang cobol hello"), USAGE,
                   "c, cpp, rust, lua and js are known");
    assert_refused(new_in(folder, TEST_HARK, false, "--lang common hello"), USAGE, "are known");
    assert_refused(new_in(folder, TEST_HARK, false, "--lang script hello"), USAGE, "are known");
    assert_refused(new_in(folder, TEST_HARK, false, "--lang CPP hello"), USAGE, "did you mean 'cpp'");
    assert_refused(new_in(folder, TEST_HARK, false, "--lang rusty hello"), USAGE, "did you mean 'rust'");
    assert_empty(folder);
}

static void what_is_there_stays_as_it_is(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    size_t len;
    assert_int_equal(mkdir(path_in(folder, "hello"), 0755), 0);
    file_print(path_in(folder, "hello/hello.c"), "mine");
    file_print(path_in(folder, "hi"), "mine too");
    assert_int_equal(symlink("nowhere", path_in(folder, "hey")), 0);
    assert_refused(new_in(folder, TEST_HARK, false, "hello"), BAD_DATA, "'hello' is there already");
    assert_refused(new_in(folder, TEST_HARK, false, "hi"), BAD_DATA, "'hi' is there already");
    assert_refused(new_in(folder, TEST_HARK, false, "hey"), BAD_DATA, "'hey' is there already");
    char *text = file_read(path_in(folder, "hello/hello.c"), &len);
    assert_string_equal(text, "mine");
    free(text);
    assert_false(is_there(folder, "hello/hello.yaml"));
    assert_false(is_there(folder, "nowhere"));
}

static void a_folder_that_may_not_be_written_is_said(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *program = path_in(folder_create(), "hark");
    file_copy(TEST_HARK, program);
    assert_int_equal(chmod(folder, 0555), 0);
    struct outcome o = new_in(folder, program, true, "hello");
    assert_refused(o, NOT_PERMITTED, "'hello' cannot be made: Permission denied");
    assert_empty(folder);
    assert_int_equal(chmod(folder, 0755), 0);
}

static void a_disk_that_gets_full_leaves_nothing_half_made(void **unused)
{
    (void)unused;
    enum { INTERNAL = 70 };
    const char *folder = folder_create();
    if (!has_small_disks) {
        print_message("this machine gives an ordinary user no mount namespace\n");
        skip();
    }
    small_disk_mount(folder, FEW_KIB);
    assert_refused(new_in(folder, TEST_HARK, false, "hello"), INTERNAL, "cannot be written: No space left");
    assert_empty(folder);
    assert_refused(new_in(folder, TEST_HARK, false, "--lang rust hello"), INTERNAL, "No space left");
    assert_empty(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(it_makes_a_folder_and_says_what_to_type_next),
        system_test(cpp_is_another_language),
        system_test(rust_has_a_manifest_of_cargo_and_a_makefile),
        system_test(the_crate_that_rust_needs_is_where_its_manifest_says),
#ifdef HAVE_LUA
        system_test(lua_needs_no_compiler),
#endif
#ifdef HAVE_JS
        system_test(javascript_needs_no_compiler),
#endif
        system_test(without_the_sdk_it_says_what_to_install),
        system_test(the_schemas_that_its_files_name_are_there),
        system_test(a_wide_umask_lets_nobody_else_write),
        system_test(a_name_that_no_function_may_have_is_refused),
        system_test(only_with_cmake_its_targets_are_no_names),
        system_test(an_unknown_language_is_refused),
        system_test(what_is_there_stays_as_it_is),
        system_test(a_folder_that_may_not_be_written_is_said),
        system_test(a_disk_that_gets_full_leaves_nothing_half_made),
    };
    has_small_disks = small_disk_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
