/* Looks for hark's password wherever it can look: in every page that it can read, in its descriptors, and in
 * the files where it knows that it is.
 *
 * Its own copy is disguised, so that it does not find itself, and before it hunts it hides a decoy, so that
 * a hunt that is blind is not taken for one that finds nothing. */
#include "hostile.h"
#include "secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { DISGUISE = 0x5a, DECOY = 0x5b, PAGE = 4096, LEN = sizeof SECRET - 1, GAP_PAGES = 16384, FDS = 64 };

/* The password with every byte changed: one literal would be found in our own data. */
static const volatile unsigned char prey[] = {
#define HIDE(i) (unsigned char)(SECRET[i] ^ DISGUISE)
    HIDE(0),  HIDE(1),  HIDE(2),  HIDE(3),  HIDE(4),  HIDE(5),  HIDE(6),  HIDE(7),
    HIDE(8),  HIDE(9),  HIDE(10), HIDE(11), HIDE(12), HIDE(13), HIDE(14), HIDE(15),
    HIDE(16), HIDE(17), HIDE(18), HIDE(19), HIDE(20), HIDE(21), HIDE(22), HIDE(23),
    HIDE(24), HIDE(25), HIDE(26), HIDE(27), HIDE(28), HIDE(29), HIDE(30), HIDE(31),
};
_Static_assert(sizeof prey == LEN, "the disguise covers the whole password");

struct hunt {
    size_t found, decoys;
};

static sigjmp_buf unreadable;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(unreadable, 1);
}

/* The decoy is the password with one bit of each byte changed. */
static int is_prey(const volatile unsigned char *at, unsigned char disguise)
{
    for (size_t i = 0; i < LEN; i++)
        if ((at[i] ^ disguise) != prey[i])
            return 0;
    return 1;
}

static void search(struct hunt *h, const volatile unsigned char *from, size_t starts)
{
    for (size_t i = 0; i < starts; i++) {
        if ((from[i] ^ DISGUISE) == prey[0])
            h->found += (size_t)is_prey(from + i, DISGUISE);
        if ((from[i] ^ DECOY) == prey[0])
            h->decoys += (size_t)is_prey(from + i, DECOY);
    }
}

/* Is it readable? What begins in it may end in the next one, which need not be. */
static int search_page(struct hunt *h, uintptr_t page)
{
    volatile int readable = 0;
    const volatile unsigned char *at = (const volatile unsigned char *)page;
    if (sigsetjmp(unreadable, 0))
        return readable;
    (void)at[0];
    readable = 1;
    search(h, at, PAGE);
    return 1;
}

/* Both ways from an address that we know, across holes that are not too wide. */
static void search_around(struct hunt *h, const void *known)
{
    uintptr_t start = (uintptr_t)known & ~(uintptr_t)(PAGE - 1);
    int hole = 0;
    for (uintptr_t page = start; hole < GAP_PAGES && page < UINTPTR_MAX - PAGE; page += PAGE)
        hole = search_page(h, page) ? 0 : hole + 1;
    hole = 0;
    for (uintptr_t page = start - PAGE; hole < GAP_PAGES && page > PAGE; page -= PAGE)
        hole = search_page(h, page) ? 0 : hole + 1;
}

static void search_memory(struct hunt *h)
{
    void *small = malloc(64);
    const void *const known[] = {
        __builtin_frame_address(0), /* the stack, and above it arguments and environment */
        (const void *)&printf,      /* the libraries, and what is mapped between them */
        (const void *)&prey,
        sbrk(0),                          /* the heap */
        (const void *)getauxval(AT_PHDR), /* the program, which may be far below the heap */
        small,
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        search_around(h, known[i]);
    free(small);
}

static void search_file(struct hunt *h, const char *path)
{
    unsigned char got[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got);
    if (n >= (ssize_t)LEN)
        search(h, got, (size_t)n - LEN + 1);
    memset(got, 0, sizeof got);
}

static void search_descriptors(struct hunt *h)
{
    static unsigned char got[1 << 16];
    for (int fd = 0; fd < FDS; fd++) {
        ssize_t n = fd == 3 ? -1 : pread(fd, got, sizeof got, 0); /* the channel carries our own frames */
        if (n > 0)
            search(h, got, (size_t)n < LEN ? 0 : (size_t)n - LEN + 1);
    }
    memset(got, 0, sizeof got);
}

static unsigned char *hide_decoy(void)
{
    unsigned char *decoy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (decoy == MAP_FAILED)
        return NULL;
    for (size_t i = 0; i < LEN; i++)
        decoy[100 + i] = prey[i] ^ DECOY;
    return decoy;
}

static const char *attack(const struct victims *v)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    if (sigaction(SIGSEGV, &action, NULL) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
        return failed("sigaction");
    if (!hide_decoy())
        return failed("mmap");
    struct hunt hunt = {0};
    search_memory(&hunt);
    search_descriptors(&hunt);
    search_file(&hunt, in_folder(v, SECRET_PASSWORD_FILE));
    search_file(&hunt, in_folder(v, SECRET_TOKEN_FILE));
    if (!hunt.decoys)
        return "is blind";
    return hunt.found ? "found it" : "found nothing";
}
