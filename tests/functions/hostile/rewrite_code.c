/* Makes its own code writable, changes it, and makes it executable again. */
#include "hostile.h"

#include <stdint.h>
#include <sys/mman.h>

/* On a page of its own, so that attack() goes on without it. */
__attribute__((noinline, aligned(4096), section(".text.victim"))) static void victim(void)
{
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline, aligned(4096), used, section(".text.victim"))) static void behind_victim(void)
{
    __asm__ volatile("" ::: "memory");
}

static const char *attack(const struct victims *v)
{
    (void)v;
    void *page = (void *)((uintptr_t)&victim & ~(uintptr_t)4095);
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) < 0)
        return failed("write");
    *(volatile unsigned char *)page = *(volatile unsigned char *)page;
    return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
