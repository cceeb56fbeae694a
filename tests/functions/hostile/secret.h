/* secret.h: what the secret hunt looks for: hark's password for its broker. */
#ifndef TESTS_HOSTILE_SECRET_H
#define TESTS_HOSTILE_SECRET_H

#define SECRET "blue-heron-under-the-bridge-4711"

/* Files beside the manifests that have it. */
#define SECRET_PASSWORD_FILE "site.password"
#define SECRET_TOKEN_FILE    "token"

#endif
