/* elf_facts.h: what there is to know of a .so before it runs, for who looks for a fault in it. elf(5).
 *
 * Pure: reads bytes, trusts nothing. What cannot be found is empty; nothing is an error. */
#ifndef HARK_CLI_ELF_FACTS_H
#define HARK_CLI_ELF_FACTS_H

#include <stddef.h>
#include <stdint.h>

enum { ELF_NAME_MAX = 512 };

struct elf_facts {
    char handle[ELF_NAME_MAX];    /* the symbol of the function's handle; empty: stripped */
    char sanitizer[ELF_NAME_MAX]; /* the runtime of a sanitizer that it is linked to: libasan.so.8 */
    char runpath[ELF_NAME_MAX];   /* where else its libraries are, with colons between */
};

void elf_facts_read(const uint8_t *data, size_t len, struct elf_facts *ret_facts);

#endif
