#include "worker/handler.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header of this very program: what it says about the machine, a function must say too. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static int refuse(struct diag *why, const char *name, const char *what)
{
    diag_set(why, NULL, 0, 0, "%s %s", name, what);
    return -ENOEXEC;
}

static bool same_machine(const ElfW(Ehdr) * e)
{
    return e->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           e->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] && e->e_machine == __ehdr_start.e_machine;
}

/* Does a piece of the file end before the file does? */
static bool within(uint64_t offset, uint64_t bytes, uint64_t file_bytes)
{
    return offset <= file_bytes && bytes <= file_bytes - offset;
}

static bool segments_within(int fd, const ElfW(Ehdr) * e, uint64_t file_bytes)
{
    for (unsigned i = 0; i < e->e_phnum; i++) {
        ElfW(Phdr) p;
        off_t at = (off_t)(e->e_phoff + (uint64_t)i * sizeof p);
        if (pread(fd, &p, sizeof p, at) != sizeof p)
            return false;
        if (p.p_type == PT_LOAD && !within(p.p_offset, p.p_filesz, file_bytes))
            return false;
    }
    return true;
}

/* The section table is the last thing that a linker writes and a copy brings. */
static bool is_whole(int fd, const ElfW(Ehdr) * e, uint64_t file_bytes)
{
    return within(e->e_shoff, (uint64_t)e->e_shnum * e->e_shentsize, file_bytes) &&
           within(e->e_phoff, (uint64_t)e->e_phnum * sizeof(ElfW(Phdr)), file_bytes) &&
           segments_within(fd, e, file_bytes);
}

int handler_check(int fd, const char *name, struct diag *why)
{
    ElfW(Ehdr) e = {0};
    struct stat st;
    if (fstat(fd, &st) < 0)
        return refuse(why, name, "cannot be read");
    if (st.st_size == 0)
        return refuse(why, name, "is empty: build it again, or wait until it is copied");
    ssize_t n = pread(fd, &e, sizeof e, 0);
    if (n < SELFMAG || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(why, name, "is no shared object: name the .so that the build made");
    if (n < (ssize_t)sizeof e)
        return refuse(why, name, "is cut off: copy the whole file");
    if (!same_machine(&e))
        return refuse(why, name, "is built for another machine: build it for the one hark runs on");
    if (e.e_type != ET_DYN)
        return refuse(why, name, "is no shared object: link it with -shared");
    if (!is_whole(fd, &e, (uint64_t)st.st_size))
        return refuse(why, name, "is cut off: copy the whole file");
    return 0;
}
