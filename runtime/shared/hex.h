/* hex.h: digits of hexadecimal numbers in text. Pure. */
#ifndef HARK_SHARED_HEX_H
#define HARK_SHARED_HEX_H

/* 0 to 15; -1: it is none. Either case. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
