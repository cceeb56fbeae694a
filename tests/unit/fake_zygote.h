/* fake_zygote.h: what the fake zygote tells of its seal, by the user id it is given. */
#ifndef TESTS_UNIT_FAKE_ZYGOTE_H
#define TESTS_UNIT_FAKE_ZYGOTE_H

enum {
    FAKE_LACKS = 5000,       /* + n: layer n is missing, ENOSYS */
    FAKE_LACKS_LATER = 5500, /* + n: the same, where its workers have grants */
    FAKE_ENDS = 6000,        /* it ends without a word */
    FAKE_CUTS = 6001,        /* a packet that is a byte short */
    FAKE_REPORTS = 6002,     /* a report comes first */
    FAKE_WAIVES = 6003       /* a layer is waived that nobody waived */
};

#endif
