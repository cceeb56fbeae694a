#include "worker/libraries.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct walk {
    size_t seen, known;
    int error;
};

struct range {
    uintptr_t begin, end;
};

static int count(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)info, (void)size;
    ++*(size_t *)user;
    return 0;
}

size_t libraries_count(void)
{
    size_t n = 0;
    (void)dl_iterate_phdr(count, &n);
    return n;
}

/* The first of its type that has one of these rights. Empty when there is none. */
static struct range find_segment(const struct dl_phdr_info *info, uint32_t type, uint32_t rights)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == type && p->p_flags & rights)
            return (struct range){begin, begin + p->p_memsz};
    }
    return (struct range){0, 0};
}

static uintptr_t round_down(uintptr_t address)
{
    return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

static uintptr_t round_up(uintptr_t address)
{
    return round_down(address + (uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

static int fill(int file, struct range r)
{
    while (r.begin < r.end) {
        ssize_t n = write(file, (const void *)r.begin, r.end - r.begin);
        if (n < 0 && errno != EINTR)
            return -errno;
        r.begin += n > 0 ? (uintptr_t)n : 0;
    }
    return 0;
}

/* The descriptor, or -errno. */
static int copy_to_file(struct range r)
{
    int file = memfd_create("hark-relocated", MFD_CLOEXEC);
    int error = file < 0 ? -errno : fill(file, r);
    if (file >= 0 && error)
        close(file);
    return error ? error : file;
}

static int map_over(struct range r, int rights, int file)
{
    void *at = (void *)r.begin;
    return mmap(at, r.end - r.begin, rights, MAP_PRIVATE | MAP_FIXED, file, 0) == at ? 0 : -errno;
}

/* What is for reading alone once it is relocated ends where the loader ends it: not in a page that has data
 * as well. */
static int put_aside(struct range written, struct range fixed)
{
    written = (struct range){round_down(written.begin), round_up(written.end)};
    fixed = (struct range){round_down(fixed.begin), round_down(fixed.end)};
    int file = copy_to_file(written);
    if (file < 0)
        return file;
    int error = map_over(written, PROT_READ | PROT_WRITE, file);
    if (!error && fixed.begin < fixed.end)
        error = mprotect((void *)fixed.begin, fixed.end - fixed.begin, PROT_READ) < 0 ? -errno : 0;
    close(file);
    return error;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *user)
{
    struct walk *w = user;
    struct range written = find_segment(info, PT_LOAD, PF_W);
    (void)size;
    if (w->seen++ >= w->known && written.begin < written.end)
        w->error = put_aside(written, find_segment(info, PT_GNU_RELRO, PF_R));
    return w->error;
}

int libraries_put_aside(size_t known)
{
    struct walk walk = {.known = known};
    (void)dl_iterate_phdr(on_object, &walk);
    return walk.error;
}

/* Of the pages that nobody may write to, as far as they follow each other in the file as they do in memory.
 */
static struct range find_text(const struct dl_phdr_info *info)
{
    struct range text = {0, 0};
    uintptr_t shift = 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD || p->p_flags & PF_W)
            continue;
        if (!text.end) {
            text.begin = round_down(begin);
            shift = begin - p->p_offset;
        } else if (round_down(begin) != text.end || begin - p->p_offset != shift)
            break;
        text.end = round_up(begin + p->p_memsz);
    }
    return text;
}

static int join_text(struct dl_phdr_info *info, size_t size, void *user)
{
    struct range text = find_text(info);
    (void)size, (void)user;
    if (text.begin < text.end)
        (void)mprotect((void *)text.begin, text.end - text.begin, PROT_READ | PROT_EXEC);
    return 0;
}

void libraries_join_text(void)
{
    (void)dl_iterate_phdr(join_text, NULL);
}
