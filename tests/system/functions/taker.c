/* A function that takes what the payload names until it gets no more, and publishes on out/taken how much it
 * got.
 *
 *     memory     MiB of heap, at most 64       threads    threads beside its own, at most 16
 *     files      descriptors, at most 64       burn       processor time, without an end
 *     print N    N lines of 99 bytes on standard output
 *     log N      N lines of 99 bytes in hark's log
 */
#include <hark/function.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, MEMORY_MAX = 64, THREADS_MAX = 16, FILES_MAX = 64 };

static int publish(struct hark_context *ctx, int count)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", count);
    return hark_publish(ctx, "out/taken", text, (size_t)len);
}

static int take_memory(void)
{
    char *blocks[MEMORY_MAX];
    int count = 0;
    while (count < MEMORY_MAX && (blocks[count] = malloc(MIB)))
        memset(blocks[count++], 1, MIB);
    for (int i = 0; i < count; i++)
        free(blocks[i]);
    return count;
}

static void *wait_for(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

/* All are alive at once, until the lock is free. */
static int take_threads(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[THREADS_MAX];
    pthread_attr_t small;
    int count = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    pthread_mutex_lock(&lock);
    while (count < THREADS_MAX && pthread_create(&threads[count], &small, wait_for, &lock) == 0)
        count++;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return count;
}

static int take_files(void)
{
    int files[FILES_MAX], count = 0;
    while (count < FILES_MAX && (files[count] = dup(STDOUT_FILENO)) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        close(files[i]);
    return count;
}

static int say_lines(struct hark_context *ctx, const char *what)
{
    int count = atoi(strchr(what, ' '));
    for (int i = 0; i < count; i++) {
        if (what[0] == 'p')
            printf("%099d\n", i);
        else
            hark_log(ctx, HARK_INFO, "%099d", i);
    }
    return count;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    const char *what = in->payload;
    if (strcmp(what, "memory") == 0)
        return publish(ctx, take_memory());
    if (strcmp(what, "threads") == 0)
        return publish(ctx, take_threads());
    if (strcmp(what, "files") == 0)
        return publish(ctx, take_files());
    if (strchr(what, ' '))
        return publish(ctx, say_lines(ctx, what));
    for (volatile unsigned turns = 0;; turns++) {
    }
}

HARK_FUNCTION(.handle = handle);
