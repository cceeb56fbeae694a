#include "worker/loader.h"

#include "shared/check.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_BYTES = 32, COPY_BYTES = 4096 };

/* Its runtime, which gcc and clang link to, or what of it clang leaves undefined. */
static bool is_of_sanitizer(const char *error)
{
    static const char *const words[] = {"libasan.so", "libubsan.so",  "liblsan.so",
                                        "libtsan.so", "libclang_rt.", "__asan_",
                                        "__ubsan_",   "__tsan_",      "__msan_"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(error, words[i]))
            return true;
    return false;
}

/* What to do about an error of the dynamic loader, where we know. */
static const char *hint(const char *error)
{
    if (is_of_sanitizer(error))
        return ": it is built with a sanitizer, which cannot work under the seal: try it with `hark invoke "
               "--unsealed`, and deploy one that is built without -fsanitize";
    if (strstr(error, "undefined symbol"))
        return ": link the .c, .cc or .a that has it into the function, or remove its use; -Wl,-z,defs finds "
               "it "
               "when the function is linked";
    if (strstr(error, "cannot open shared object file"))
        return ": link it statically (its .a, in the place of -l); a function finds no library but libc, "
               "libm, "
               "libgcc_s and libstdc++";
    if (strstr(error, "annot allocate memory") || strstr(error, "cannot create shared object"))
        return ": it needs more memory than the function may have";
    return "";
}

/* Says what dlopen said, with the file's name where dlopen only knew a descriptor. */
static int refuse_load(struct diag *why, const char *path, const char *name)
{
    const char *error = dlerror();
    if (!error)
        error = "cannot be loaded";
    const char *at = strstr(error, path);
    if (at)
        diag_set(why, NULL, 0, 0, "%.*s%s%s%s", (int)(at - error), error, name, at + strlen(path),
                 hint(error));
    else
        diag_set(why, NULL, 0, 0, "%s: %s%s", name, error, hint(error));
    return -ENOEXEC;
}

/* abi first: what lies behind it is known only once it is ours. */
static int check_function(const struct hark_function *f, const char *name, struct diag *why)
{
    if (f->abi != HARK_ABI)
        diag_set(why, NULL, 0, 0,
                 "%s is built for ABI %u, this hark speaks %u: rebuild it with this hark's headers", name,
                 f->abi, HARK_ABI);
    else if (f->size < sizeof *f)
        diag_set(why, NULL, 0, 0,
                 "hark_function of %s has %u bytes instead of %zu: define it with HARK_FUNCTION(...)", name,
                 f->size, sizeof *f);
    else if (!f->handle)
        diag_set(why, NULL, 0, 0, "%s has no handle: write HARK_FUNCTION(.handle = your_function)", name);
    else
        return 0;
    return -ENOEXEC;
}

static int copy_to_memory(const char *path)
{
    char bytes[COPY_BYTES];
    ssize_t n = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC), copy = memfd_create("hark-sample", MFD_CLOEXEC);
    if (file >= 0 && copy >= 0)
        while ((n = read(file, bytes, sizeof bytes)) > 0 && write(copy, bytes, (size_t)n) == n)
            ;
    if (file >= 0)
        close(file);
    if (n != 0 && copy >= 0)
        close(copy);
    return n == 0 ? copy : -1;
}

/* Of all libraries that are loaded the smallest: what was in it, is in libc now. */
int loader_open_sample(void)
{
    struct link_map *map;
    void *library = dlopen("libdl.so.2", RTLD_NOW | RTLD_LOCAL);
    return library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 ? copy_to_memory(map->l_name) : -1;
}

/* Where a descriptor of this process is found in its working folder. Of less than 100. */
static void write_path(char path[PATH_BYTES], const char *folder, int fd)
{
    CHECK(fd >= 0 && fd < 100);
    char *at = stpcpy(path, folder);
    if (fd >= 10)
        *at++ = (char)('0' + fd / 10);
    *at++ = (char)('0' + fd % 10);
    *at = '\0';
}

/* By another name than the function will have at the same number: that is what glibc would know it by. */
void loader_warm_up(int sample)
{
    char path[PATH_BYTES];
    if (sample < 0)
        return;
    write_path(path, "./self/fd/", sample);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library)
        (void)dlclose(library);
    else
        (void)dlerror();
}

static int find_function(void *library, const char *name, const struct hark_function **ret_function,
                         struct diag *why)
{
    const struct hark_function *f = dlsym(library, "hark_function");
    if (!f) {
        diag_set(why, NULL, 0, 0,
                 "%s has no hark_function that is seen from outside: include hark/function.h and write "
                 "HARK_FUNCTION(.handle = your_function); at file scope, in C++ outside of every namespace, "
                 "and let no linker script hide it",
                 name);
        return -ENOEXEC;
    }
    int error = check_function(f, name, why);
    if (!error)
        *ret_function = f;
    return error;
}

int loader_load(int fd, const char *name, const struct hark_function **ret_function, struct diag *why)
{
    char path[PATH_BYTES];
    write_path(path, "self/fd/", fd);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return refuse_load(why, path, name);
    if (chdir("/") < 0) {
        diag_set(why, NULL, 0, 0, "cannot leave /proc: %s", strerror(errno));
        return -errno;
    }
    return find_function(library, name, ret_function, why);
}

int loader_open(const char *path, const char *name, const struct hark_function **ret_function,
                struct diag *why)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library)
        return find_function(library, name, ret_function, why);
    const char *error = dlerror();
    diag_set(why, NULL, 0, 0, "%s%s", error ? error : "cannot be loaded",
             error && strstr(error, "libclang_rt.") ? ": link it with -Wl,-rpath,$(clang -print-runtime-dir)"
             : error && strstr(error, "__asan_")    ? ": give clang -shared-libasan as well"
                                                    : "");
    return -ENOEXEC;
}
