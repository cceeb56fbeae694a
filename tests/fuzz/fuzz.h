/* fuzz.h: what a fuzz target is: one function that takes any bytes, and CHECKs what must hold of the code
 * under test whatever they are. Here a CHECK may depend on the input: that is the point. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "shared/check.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
