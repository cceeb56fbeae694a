/* sanitized.h: whether this build carries AddressSanitizer, whose shadow memory is terabytes of private
 * mappings that it changes and maps shared as it likes. No limit on memory and no filter of mmap(2) can hold
 * there. */
#ifndef HARK_SHARED_SANITIZED_H
#define HARK_SHARED_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
