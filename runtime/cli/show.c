#include "cli/show.h"

#include "cli/display.h"

enum { SHOWN_WIDTH = 400, SHOWN_BYTES = 4 * SHOWN_WIDTH + 8 };

void show_text(FILE *f, const char *before, struct slice text)
{
    char shown[SHOWN_BYTES];
    if (!text.data)
        return;
    display_bytes(text, SHOWN_WIDTH, shown, sizeof shown);
    fprintf(f, "%s%s", before, shown);
}

static void show_properties(FILE *f, const struct property *properties, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        show_text(f, "  ", properties[i].key);
        show_text(f, "=", properties[i].value);
    }
}

void show_publish(FILE *f, const struct mqtt_publish *p)
{
    show_text(f, "", p->topic);
    show_text(f, "  ", p->payload);
    fprintf(f, "  qos=%u%s", p->qos, p->retain ? " retained" : "");
    if (p->has_expiry)
        fprintf(f, " expiry=%us", p->expiry_s);
    show_text(f, "  content_type=", p->content_type);
    show_text(f, "  response_topic=", p->response_topic);
    show_text(f, "  correlation=", p->correlation);
    show_properties(f, p->properties, p->property_count);
    fputc('\n', f);
}
