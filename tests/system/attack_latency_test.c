/* attack_latency_test.c: what attackers cost a function that behaves: nothing of its messages, little of its
 * time. */
#include "attack/siege.h"
#include "support/cleanup.h"
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    return 0;
}
