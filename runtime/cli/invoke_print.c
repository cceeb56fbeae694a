#include "cli/invoke_print.h"

#include "cli/display.h"
#include "cli/message_json.h"

#include <stdio.h>
#include <unistd.h>

/* A script gets the bytes as they are. */
static void print_line(const struct mqtt_publish *p)
{
    if (isatty(STDOUT_FILENO) == 1) {
        display_print(p->topic);
        putchar(' ');
        display_print(p->payload);
        putchar('\n');
        return;
    }
    printf("%.*s ", SLICE_ARG(p->topic));
    fwrite(p->payload.data, 1, p->payload.len, stdout);
    putchar('\n');
}

void invoke_print(const struct outbox *outbox, const struct mqtt_message *request, bool json)
{
    struct property properties[WIRE_PROPERTIES_MAX];
    struct mqtt_publish publish;
    size_t offset = 0;
    while (outbox_next(outbox, &offset, request, &publish, properties)) {
        if (json)
            message_json_print(message_json(&publish));
        else
            print_line(&publish);
    }
}
