#include "cli/elf_facts.h"

#include "hark/function.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct image {
    const uint8_t *data;
    size_t len;
    Elf64_Ehdr header;
};

static bool copy(const struct image *i, uint64_t offset, void *ret, size_t size)
{
    if (offset > i->len || i->len - offset < size)
        return false;
    memcpy(ret, i->data + offset, size);
    return true;
}

static bool section(const struct image *i, uint32_t index, Elf64_Shdr *ret)
{
    return index < i->header.e_shnum && i->header.e_shoff <= i->len &&
           copy(i, i->header.e_shoff + (uint64_t)index * sizeof *ret, ret, sizeof *ret);
}

/* Entry n of a section that is a table. */
static bool entry(const struct image *i, const Elf64_Shdr *table, uint64_t n, void *ret, size_t size)
{
    return n < table->sh_size / size && table->sh_offset <= i->len &&
           copy(i, table->sh_offset + n * size, ret, size);
}

/* A text of the section's own strings; NULL: it is none. */
static const char *text(const struct image *i, const Elf64_Shdr *of, uint64_t offset)
{
    Elf64_Shdr strings;
    if (!section(i, of->sh_link, &strings) || strings.sh_offset > i->len || offset >= strings.sh_size)
        return NULL;
    uint64_t room = i->len - strings.sh_offset;
    room = room < strings.sh_size ? room : strings.sh_size;
    const char *at = (const char *)i->data + strings.sh_offset + offset;
    return offset < room && memchr(at, '\0', room - offset) ? at : NULL;
}

static void keep(char ret[ELF_NAME_MAX], const char *name)
{
    snprintf(ret, ELF_NAME_MAX, "%s", name && strlen(name) < ELF_NAME_MAX ? name : "");
}

static bool find_object(const struct image *i, const char *name, uint64_t *ret_address)
{
    Elf64_Shdr table;
    Elf64_Sym symbol;
    for (uint32_t s = 0; section(i, s, &table); s++) {
        for (uint64_t n = 0; table.sh_type == SHT_DYNSYM && entry(i, &table, n, &symbol, sizeof symbol);
             n++) {
            const char *is = text(i, &table, symbol.st_name);
            if (is && strcmp(is, name) == 0 && symbol.st_shndx != SHN_UNDEF) {
                *ret_address = symbol.st_value;
                return true;
            }
        }
    }
    return false;
}

/* What the loader would put there: an address in the file plus where it is mapped, or a symbol's. */
static bool follow(const struct image *i, const Elf64_Shdr *table, const Elf64_Rela *to,
                   uint64_t *ret_address)
{
    Elf64_Shdr symbols;
    Elf64_Sym symbol = {0};
    uint64_t index = ELF64_R_SYM(to->r_info);
    if (index &&
        (!section(i, table->sh_link, &symbols) || !entry(i, &symbols, index, &symbol, sizeof symbol)))
        return false;
    *ret_address = symbol.st_value + (uint64_t)to->r_addend;
    return true;
}

static bool find_pointer(const struct image *i, uint64_t at, uint64_t *ret_address)
{
    Elf64_Shdr table;
    Elf64_Rela to;
    for (uint32_t s = 0; section(i, s, &table); s++) {
        for (uint64_t n = 0; table.sh_type == SHT_RELA && entry(i, &table, n, &to, sizeof to); n++) {
            if (to.r_offset == at)
                return follow(i, &table, &to, ret_address);
        }
    }
    for (uint32_t s = 0; section(i, s, &table); s++) { /* where relocations are packed, it is in its place */
        bool holds = table.sh_type == SHT_PROGBITS && table.sh_addr && at >= table.sh_addr &&
                     at - table.sh_addr < table.sh_size && table.sh_offset <= i->len;
        if (holds)
            return copy(i, table.sh_offset + (at - table.sh_addr), ret_address, sizeof *ret_address);
    }
    return false;
}

static const char *find_function(const struct image *i, uint64_t address)
{
    Elf64_Shdr table;
    Elf64_Sym symbol;
    for (uint32_t s = 0; section(i, s, &table); s++) {
        bool is_table = table.sh_type == SHT_SYMTAB || table.sh_type == SHT_DYNSYM;
        for (uint64_t n = 0; is_table && entry(i, &table, n, &symbol, sizeof symbol); n++) {
            bool is_it = ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value == address &&
                         symbol.st_shndx != SHN_UNDEF;
            const char *name = is_it ? text(i, &table, symbol.st_name) : NULL;
            if (name)
                return name;
        }
    }
    return NULL;
}

static bool is_sanitizer(const char *library)
{
    static const char *const names[] = {"libubsan.so",      "libclang_rt.ubsan", "liblsan.so",
                                        "libasan.so",       "libtsan.so",        "libclang_rt.asan",
                                        "libclang_rt.tsan", "libclang_rt.hwasan"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(library, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static bool is_only_undefined_behaviour(const char *library)
{
    return strstr(library, "ubsan") != NULL;
}

static void take_dynamic(const struct image *i, const Elf64_Shdr *table, const Elf64_Dyn *d,
                         struct elf_facts *facts)
{
    if (d->d_tag != DT_NEEDED && d->d_tag != DT_RUNPATH && d->d_tag != DT_RPATH)
        return;
    const char *value = text(i, table, d->d_un.d_val);
    if (value && d->d_tag != DT_NEEDED)
        keep(facts->runpath, value);
    else if (value && is_sanitizer(value) && (!*facts->sanitizer || !is_only_undefined_behaviour(value)))
        keep(facts->sanitizer, value);
}

static void read_dynamic(const struct image *i, struct elf_facts *facts)
{
    Elf64_Shdr table;
    Elf64_Dyn d;
    for (uint32_t s = 0; section(i, s, &table); s++) {
        for (uint64_t n = 0; table.sh_type == SHT_DYNAMIC && entry(i, &table, n, &d, sizeof d); n++)
            take_dynamic(i, &table, &d, facts);
    }
}

void elf_facts_read(const uint8_t *data, size_t len, struct elf_facts *ret_facts)
{
    struct image i = {.data = data, .len = len};
    uint64_t object, handle;
    *ret_facts = (struct elf_facts){0};
    if (!copy(&i, 0, &i.header, sizeof i.header) || memcmp(data, ELFMAG, SELFMAG) != 0 ||
        i.header.e_ident[EI_CLASS] != ELFCLASS64 || i.header.e_shentsize != sizeof(Elf64_Shdr))
        return;
    if (find_object(&i, "hark_function", &object) &&
        find_pointer(&i, object + offsetof(struct hark_function, handle), &handle))
        keep(ret_facts->handle, find_function(&i, handle));
    read_dynamic(&i, ret_facts);
}
