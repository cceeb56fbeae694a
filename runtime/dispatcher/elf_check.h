/* elf_check.h: is this a shared object that this machine can load? Words for what is wrong, before dlopen
 * meets it.
 *
 * Pure: reads bytes, trusts nothing. It catches what people do (empty, text, wrong machine, half copied, an
 * executable, a .o, 32 bit); dlopen in a sealed worker remains the judge of everything else. elf(5). */
#ifndef HARK_DISPATCHER_ELF_CHECK_H
#define HARK_DISPATCHER_ELF_CHECK_H

#include "shared/diag.h"

#include <stdint.h>

/* 0, or -ENOEXEC and diag->text (no file, no line). */
__attribute__((warn_unused_result)) int elf_check(const uint8_t *data, size_t len, struct diag *diag);

#endif
