/* Which cgroup is hark's own: texts of the kernel, and folders that look like cgroups. */
#include "dispatcher/cgroup_place.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- texts ---- */

static void path_is(const char *text, const char *expected)
{
    char path[PATH_MAX] = "none";
    assert_int_equal(cgroup_parse_path(text, path), expected != NULL);
    assert_string_equal(path, expected ? expected : "none");
}

static void the_line_of_v2_has_the_path(void **unused)
{
    (void)unused;
    path_is("0::/system.slice/hark.service\n", "/system.slice/hark.service");
    path_is("9:name=systemd:/x\n1:cpu:/y\n0::/\n", "/");
    path_is("10::/not-it\n0::/it", "/it");
    path_is("0::/../outside of the namespace\n", "/../outside of the namespace");
    path_is("1:cpu:/\n", NULL);
    path_is("0::relative\n", NULL);
    path_is("", NULL);
}

static void a_path_that_is_too_long_is_none(void **unused)
{
    (void)unused;
    char text[PATH_MAX + 16];
    memset(text, 'x', sizeof text);
    memcpy(text, "0::/", 4);
    text[sizeof text - 1] = '\0';
    path_is(text, NULL);
    text[3 + PATH_MAX - 1] = '\0';
    path_is(text, text + 3);
}

static void folder_is(const char *mountinfo, const char *path, const char *expected)
{
    char folder[PATH_MAX] = "none";
    size_t len = 0;
    assert_int_equal(cgroup_parse_mount(mountinfo, path, folder, &len), expected != NULL);
    if (expected)
        assert_string_equal(folder, expected);
}

#define ROOT    "22 1 8:1 / / rw - ext4 /dev/vda rw\n"
#define UNIFIED "31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID                                                                                               \
    "30 22 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"                                                      \
    "32 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"                                      \
    "33 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static void the_mount_of_v2_is_found_in_either_place(void **unused)
{
    (void)unused;
    folder_is(ROOT UNIFIED, "/a.service", "/sys/fs/cgroup/a.service");
    folder_is(ROOT UNIFIED, "/", "/sys/fs/cgroup");
    folder_is(ROOT HYBRID, "/a.service/b", "/sys/fs/cgroup/unified/a.service/b");
    folder_is(ROOT, "/a", NULL);
    folder_is("", "/a", NULL);
}

static void a_mount_of_a_part_shows_only_that_part(void **unused)
{
    (void)unused;
    const char *part = "31 22 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    folder_is(part, "/docker/1", "/sys/fs/cgroup");
    folder_is(part, "/docker/1/x", "/sys/fs/cgroup/x");
    folder_is(part, "/docker/12", NULL);
    folder_is(part, "/", NULL);
}

static void blanks_in_a_mount_point_are_read(void **unused)
{
    (void)unused;
    folder_is("31 22 0:26 / /my\\040cgroups\\134 rw - cgroup2 none rw\n", "/x", "/my cgroups\\/x");
}

static void a_mountinfo_that_is_cut_off_is_no_mount(void **unused)
{
    (void)unused;
    static const char whole[] = "31 22 0:26 / /cg rw - cgroup2 none rw\n";
    for (size_t len = 0; len < strlen("31 22 0:26 / /cg rw - cgroup2 "); len++) {
        char text[sizeof whole] = "";
        memcpy(text, whole, len);
        folder_is(text, "/x", NULL);
    }
    folder_is(" - cgroup2 ", "/x", NULL);
    folder_is("31 - cgroup2 none rw\n", "/x", NULL);
}

static void controllers_are_whole_words(void **unused)
{
    (void)unused;
    char names[CGROUP_NAMES_MAX];
    assert_int_equal(cgroup_parse_controllers("cpuset cpu io memory hugetlb pids rdma\n"), CGROUP_ALL);
    assert_int_equal(cgroup_parse_controllers("cpuset memory\n"), CGROUP_MEMORY);
    assert_int_equal(cgroup_parse_controllers("\n"), 0);
    assert_int_equal(cgroup_parse_controllers(""), 0);
    assert_string_equal(cgroup_names(CGROUP_ALL, names), "memory, pids, cpu");
    assert_string_equal(cgroup_names(CGROUP_CPU, names), "cpu");
    assert_string_equal(cgroup_names(0, names), "");
}

/* ---- folders ---- */

static const char *proc, *mount;

/* A machine whose cgroups are in `mount`, with this process at `path`, a folder there that holds the files of
 * a cgroup. */
static const char *given_a_cgroup(const char *path, const char *controllers, const char *procs)
{
    proc = folder_create();
    mount = folder_create();
    file_print(path_in(proc, "cgroup"), "0::%s\n", path);
    file_print(path_in(proc, "mountinfo"), "31 22 0:26 / %s rw - cgroup2 cgroup2 rw\n", mount);
    const char *folder = strcmp(path, "/") == 0 ? mount : path_in(mount, path + 1);
    (void)!mkdir(folder, 0755);
    file_print(path_in(folder, "cgroup.controllers"), "%s\n", controllers);
    file_print(path_in(folder, "cgroup.procs"), "%s", procs);
    file_print(path_in(folder, "cgroup.subtree_control"), "%s", "");
    if (strcmp(path, "/") != 0)
        file_print(path_in(folder, "cgroup.type"), "domain\n");
    return folder;
}

static struct cgroup_place find(void)
{
    struct cgroup_place place;
    bool found = cgroup_place_find(proc, 4242, &place);
    assert_int_equal(found, place.why[0] == '\0');
    return place;
}

static void refused_with(const char *words, const char *remedy)
{
    struct cgroup_place place = find();
    if (!strstr(place.why, words))
        fail_msg("'%s' is not in: %s", words, place.why);
    assert_non_null(strstr(place.remedy, remedy));
}

static void a_cgroup_with_nobody_else_is_taken(void **unused)
{
    (void)unused;
    const char *folder = given_a_cgroup("/mine", "cpu memory pids", "4242\n");
    struct cgroup_place place = find();
    assert_string_equal(place.why, "");
    assert_string_equal(place.folder, folder);
    assert_int_equal(place.controllers, CGROUP_ALL);
}

static void one_that_lacks_controllers_is_taken_all_the_same(void **unused)
{
    (void)unused;
    given_a_cgroup("/mine", "memory pids", "4242\n");
    assert_int_equal(find().controllers, CGROUP_MEMORY | CGROUP_PIDS);
}

static void one_with_others_in_it_is_left_alone(void **unused)
{
    (void)unused;
    given_a_cgroup("/mine", "cpu memory pids", "4242\n17\n");
    refused_with("has other processes in it, for instance 17", "Delegate=yes");
    given_a_cgroup("/mine", "cpu memory pids", "0\n4242\n"); /* 0: one of another pid namespace */
    refused_with("has other processes in it, for instance 0", "Delegate=yes");
}

static void the_root_of_all_is_left_alone(void **unused)
{
    (void)unused;
    given_a_cgroup("/", "cpu memory pids", "4242\n");
    refused_with("is the root of all cgroups", "Delegate=yes");
}

static void controllers_of_v1_are_told_from_none_given(void **unused)
{
    (void)unused;
    given_a_cgroup("/", "", "4242\n");
    refused_with("has none of the controllers", "unified_cgroup_hierarchy");
    given_a_cgroup("/mine", "io", "4242\n");
    refused_with("has none of the controllers", "Delegate=yes");
}

static void no_v2_at_all_is_said(void **unused)
{
    (void)unused;
    given_a_cgroup("/mine", "cpu", "4242\n");
    file_print(path_in(proc, "cgroup"), "1:cpu:/mine\n");
    refused_with("no cgroup v2 on this machine", "unified_cgroup_hierarchy");
    file_print(path_in(proc, "cgroup"), "0::/mine\n");
    file_print(path_in(proc, "mountinfo"), "%s", ROOT);
    refused_with("no mount of cgroup v2 that shows hark's own, /mine", "unified_cgroup_hierarchy");
    proc = path_in(proc, "nowhere");
    refused_with("no cgroup v2 on this machine", "unified_cgroup_hierarchy");
}

static void one_that_may_not_be_written_is_left_alone(void **unused)
{
    (void)unused;
    if (geteuid() == 0) {
        print_message("skipped: root may write everything\n");
        skip();
    }
    const char *folder = given_a_cgroup("/mine", "cpu memory pids", "4242\n");
    assert_int_equal(chmod(path_in(folder, "cgroup.procs"), 0444), 0);
    refused_with("cgroup.procs may not be written: Permission denied", "Delegate=yes");
}

/* ---- units of systemd, to whom root's rights say nothing ---- */

static void a_unit_that_systemd_has_not_marked_is_left_to_it_by_root(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        print_message("skipped: this is about root\n");
        skip();
    }
    const char *folder = given_a_cgroup("/hark.service", "cpu memory pids", "4242\n");
    refused_with("hark.service is systemd's, which has not given it to hark", "Delegate=yes");
    if (setxattr(folder, "user.delegate", "1", 1, 0) != 0) {
        print_message("skipped: no extended attributes in the folder for temporary files\n");
        skip();
    }
    assert_string_equal(find().why, "");
}

static void what_is_below_a_unit_is_as_its_unit_is(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        print_message("skipped: this is about root\n");
        skip();
    }
    const char *unit = given_a_cgroup("/hark.scope", "cpu memory pids", "");
    const char *below = path_in(unit, "below");
    assert_int_equal(mkdir(below, 0755), 0);
    static const char *const files[] = {"cgroup.controllers", "cgroup.subtree_control", "cgroup.type"};
    for (size_t i = 0; i < 3; i++)
        file_copy(path_in(unit, files[i]), path_in(below, files[i]));
    file_print(path_in(below, "cgroup.procs"), "4242\n");
    file_print(path_in(proc, "cgroup"), "0::/hark.scope/below\n");
    refused_with("below is systemd's", "Delegate=yes");
    if (setxattr(unit, "user.delegate", "1", 1, 0) != 0)
        skip();
    assert_string_equal(find().why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_of_v2_has_the_path),
        cmocka_unit_test(a_path_that_is_too_long_is_none),
        cmocka_unit_test(the_mount_of_v2_is_found_in_either_place),
        cmocka_unit_test(a_mount_of_a_part_shows_only_that_part),
        cmocka_unit_test(blanks_in_a_mount_point_are_read),
        cmocka_unit_test(a_mountinfo_that_is_cut_off_is_no_mount),
        cmocka_unit_test(controllers_are_whole_words),
        system_test(a_cgroup_with_nobody_else_is_taken),
        system_test(one_that_lacks_controllers_is_taken_all_the_same),
        system_test(one_with_others_in_it_is_left_alone),
        system_test(the_root_of_all_is_left_alone),
        system_test(controllers_of_v1_are_told_from_none_given),
        system_test(no_v2_at_all_is_said),
        system_test(one_that_may_not_be_written_is_left_alone),
        system_test(a_unit_that_systemd_has_not_marked_is_left_to_it_by_root),
        system_test(what_is_below_a_unit_is_as_its_unit_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
