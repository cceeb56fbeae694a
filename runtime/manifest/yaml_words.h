/* yaml_words.h: what libyaml calls a fault, in words for somebody who wrote a manifest. Pure. */
#ifndef HARK_MANIFEST_YAML_WORDS_H
#define HARK_MANIFEST_YAML_WORDS_H

#include "shared/slice.h"

/* Where and how libyaml stopped. */
struct yaml_fault {
    const char *problem;
    struct slice line;     /* the line of the fault, without its end */
    unsigned context_line; /* where the thing began that is not complete; 0: unknown */
};

/* What is wrong and what to do, into buffer[size]. Returns buffer. */
const char *yaml_words(const struct yaml_fault *fault, char *buffer, size_t size);

#endif
