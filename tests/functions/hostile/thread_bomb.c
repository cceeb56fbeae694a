/* Starts threads until it may not. */
#include "hostile.h"

#include <pthread.h>

enum { THREADS = 256 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_the_gate(void *unused)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

static const char *attack(const struct victims *v)
{
    (void)v;
    pthread_mutex_lock(&gate);
    pthread_t threads[THREADS];
    int count = 0, error = 0;
    while (count < THREADS && !(error = pthread_create(&threads[count], NULL, wait_at_the_gate, NULL)))
        count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return error ? text("%d and %s", count, strerrorname_np(error)) : "did it";
}
