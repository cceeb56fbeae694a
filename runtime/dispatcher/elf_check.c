#include "dispatcher/elf_check.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OUR_MACHINE = EM_RISCV };
#else
#error "name this machine's e_machine (elf(5))"
#endif

_Static_assert(sizeof(void *) == 8, "hark runs on 64-bit machines");

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OUR_BYTE_ORDER = ELFDATA2LSB };
#else
enum { OUR_BYTE_ORDER = ELFDATA2MSB };
#endif

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "32-bit x86";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "32-bit ARM";
    case EM_AARCH64:
        return "ARM64";
    case EM_RISCV:
        return "RISC-V";
    default:
        return NULL;
    }
}

__attribute__((format(printf, 2, 3))) static int refuse(struct diag *diag, const char *format, ...);

static int refuse(struct diag *diag, const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diag_set(diag, NULL, 0, 0, "%s", text);
    return -ENOEXEC;
}

/* Is there room for `count` entries of `size` bytes at `offset`? */
static bool fits(size_t len, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset <= len && (count == 0 || (len - offset) / size >= count);
}

static int refuse_foreign(const uint8_t *data, size_t len, struct diag *diag)
{
    if (len == 0)
        return refuse(diag, "the file is empty");
    if (len >= 2 && memcmp(data, "#!", 2) == 0)
        return refuse(
            diag, "this is a script: a shared object (.so) is needed, or a name that ends in .lua or .js");
    if (len >= 7 && memcmp(data, "!<arch>", 7) == 0)
        return refuse(diag, "this is a static library: link it with -shared to a .so");
    if (len >= 4 && memcmp(data, ELFMAG, SELFMAG) == 0)
        return refuse(diag, "the file is cut short after %zu bytes: copy it again", len);
    return refuse(
        diag, "this is no shared object (no ELF file): a .so is needed, or a name that ends in .lua or .js");
}

static int check_machine(const Elf64_Ehdr *header, struct diag *diag)
{
    const char *name = machine_name(header->e_machine);
    if (header->e_machine == OUR_MACHINE)
        return 0;
    if (name)
        return refuse(diag, "it is built for %s, this machine is %s: build it for this machine", name,
                      machine_name(OUR_MACHINE));
    return refuse(diag,
                  "it is built for another machine (e_machine %u), this machine is %s: build it for this "
                  "machine",
                  header->e_machine, machine_name(OUR_MACHINE));
}

static int check_type(const Elf64_Ehdr *header, struct diag *diag)
{
    switch (header->e_type) {
    case ET_DYN:
        return 0;
    case ET_REL:
        return refuse(diag, "this is an object file (.o): link it with -shared to a .so");
    case ET_EXEC:
        return refuse(diag, "this is an executable: build it with -shared -fPIC");
    default:
        return refuse(diag, "this is no shared object (e_type %u)", header->e_type);
    }
}

static int check_header(const Elf64_Ehdr *header, struct diag *diag)
{
    if (header->e_ident[EI_CLASS] == ELFCLASS32)
        return refuse(diag, "it is a 32-bit object, this machine loads 64-bit ones: build it for %s",
                      machine_name(OUR_MACHINE));
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return refuse(diag, "the ELF header is damaged (class %u)", header->e_ident[EI_CLASS]);
    if (header->e_ident[EI_DATA] != OUR_BYTE_ORDER)
        return refuse(diag, "its byte order is not this machine's: build it for %s",
                      machine_name(OUR_MACHINE));
    if (header->e_ident[EI_VERSION] != EV_CURRENT)
        return refuse(diag, "the ELF header is damaged (version %u)", header->e_ident[EI_VERSION]);
    int error = check_machine(header, diag);
    return error < 0 ? error : check_type(header, diag);
}

/* A position-independent executable looks like a shared object but for this flag; dlopen refuses it. */
static bool is_pie(const uint8_t *data, size_t len, const Elf64_Phdr *dynamic)
{
    if (!fits(len, dynamic->p_offset, dynamic->p_filesz, 1))
        return false;
    for (uint64_t i = 0; i < dynamic->p_filesz / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn entry;
        memcpy(&entry, data + dynamic->p_offset + i * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_FLAGS_1)
            return (entry.d_un.d_val & DF_1_PIE) != 0;
    }
    return false;
}

static int check_segments(const uint8_t *data, size_t len, const Elf64_Ehdr *header, struct diag *diag)
{
    bool has_dynamic = false, has_load = false;
    for (size_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, data + header->e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD && !fits(len, segment.p_offset, segment.p_filesz, 1))
            return refuse(diag, "the file is cut short after %zu bytes: copy it again", len);
        if (segment.p_type == PT_DYNAMIC && is_pie(data, len, &segment))
            return refuse(diag, "this is an executable: build it with -shared -fPIC");
        has_load |= segment.p_type == PT_LOAD;
        has_dynamic |= segment.p_type == PT_DYNAMIC;
    }
    if (!has_load || !has_dynamic)
        return refuse(diag, "there is nothing to load in it (no %s segment): build it with -shared",
                      has_load ? "dynamic" : "load");
    return 0;
}

int elf_check(const uint8_t *data, size_t len, struct diag *diag)
{
    Elf64_Ehdr header;
    if (len < sizeof header || memcmp(data, ELFMAG, SELFMAG) != 0)
        return refuse_foreign(data, len, diag);
    memcpy(&header, data, sizeof header);
    int error = check_header(&header, diag);
    if (error < 0)
        return error;
    if (header.e_phnum > 0 && header.e_phentsize != sizeof(Elf64_Phdr))
        return refuse(diag, "the ELF header is damaged (e_phentsize %u)", header.e_phentsize);
    bool has_sections = header.e_shoff > 0 && header.e_shnum > 0;
    if (!fits(len, header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr)) ||
        (has_sections && !fits(len, header.e_shoff, header.e_shnum, sizeof(Elf64_Shdr))))
        return refuse(diag, "the file is cut short after %zu bytes: copy it again", len);
    return check_segments(data, len, &header, diag);
}
