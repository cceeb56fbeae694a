/* js_text.h: between the UTF-8 of messages and Duktape's strings, which have a character beyond U+FFFF as two
 * halves of three bytes each (CESU-8, Unicode TR 26). Pure. */
#ifndef HARK_SCRIPT_JS_TEXT_H
#define HARK_SCRIPT_JS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { JS_TEXT_GROWTH = 3 }; /* a byte of UTF-8 becomes at most so many */

/* What is no UTF-8 becomes U+FFFD, a byte each. out has room for len * JS_TEXT_GROWTH. Returns its length. */
size_t js_text_from_utf8(const uint8_t *in, size_t len, uint8_t *out);

/* Half a character becomes U+FFFD. out has room for len, and may be `in`. Returns its length. */
size_t js_text_to_utf8(const uint8_t *in, size_t len, uint8_t *out);

#endif
