/* words.h: what adapters of all languages say alike. In the sealed worker. */
#ifndef HARK_SCRIPT_WORDS_H
#define HARK_SCRIPT_WORDS_H

/* Why hark_publish, hark_publish_message or hark_reply returned this negative errno. */
const char *words_of_refusal(int error);

/* HARK_DEBUG to HARK_ERROR for debug, info, warn, error; -1: no level. */
int words_log_level(const char *name);

#define WORDS_OF_LEVELS "the levels are debug, info, warn and error"

/* For an adapter that was named as a handler itself. */
#define WORDS_NO_SCRIPT                                                                                      \
    "this runs scripts and is no handler by itself: write the script's name behind `handler:`"

#endif
