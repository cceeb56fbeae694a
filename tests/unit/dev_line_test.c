/* The line of `hark dev` about a message: what it says, and how it gives way to a narrow window. */
#include "cli/dev_line.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static struct dev_line line_of(const char *payload)
{
    return (struct dev_line){.clock = {.tm_hour = 13, .tm_min = 45, .tm_sec = 52},
                             .milliseconds = 7,
                             .topic = dev_line_text(slice_of("home/hall/temperature"), true),
                             .payload = dev_line_text(slice_of(payload), true),
                             .function = strdup("thermostat"),
                             .outcome = strdup("ok"),
                             .good = true,
                             .duration_ns = 724000};
}

static void add_output(struct dev_line *l, const char *topic, const char *payload)
{
    dev_line_add_output(l, dev_line_text(slice_of(topic), true), dev_line_text(slice_of(payload), true),
                        false);
}

static char *printed(struct dev_line *l, bool colours, size_t width)
{
    char *text;
    size_t size;
    const struct dev_style style = {.colours = colours, .width = width};
    FILE *f = open_memstream(&text, &size);
    dev_line_print(l, &style, f);
    fclose(f);
    return text;
}

/* Prints it, and takes the line. */
static void assert_prints(struct dev_line *l, size_t width, const char *expected)
{
    char *text = printed(l, false, width);
    assert_string_equal(text, expected);
    free(text);
    dev_line_finish(l);
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text && *text != '\n'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void a_message_is_one_line_with_its_outputs(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("19.0");
    add_output(&l, "home/hall/heater", "on");
    add_output(&l, "home/log", "");
    assert_prints(
        &l, 0,
        "13:45:52.007  home/hall/temperature  19.0  → thermostat  0.724 ms  ok  → home/hall/heater  on"
        "  → home/log\n");
}

static void what_could_command_a_terminal_is_shown(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("a\033[2J\n");
    add_output(&l, "t", "\xc2\x9b");
    assert_prints(
        &l, 0,
        "13:45:52.007  home/hall/temperature  a\\x1b[2J\\x0a  → thermostat  0.724 ms  ok  → t  \\x9b\n");
}

static void long_payloads_give_way_to_the_window(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("a long text that has no room in a window of that size, whatever is done");
    add_output(&l, "home/hall/heater", "on");
    add_output(&l, "home/hall/fan", "another text that is somewhat too long for it");
    char *text = printed(&l, false, 140);
    assert_true(columns_of(text) <= 140);
    assert_true(columns_of(text) >= 135);
    assert_non_null(strstr(text, "  → home/hall/heater  on  → home/hall/fan  another "));
    assert_non_null(strstr(text, "…  → thermostat"));
    free(text);
    dev_line_finish(&l);
}

static void what_takes_two_columns_is_cut_in_time(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("客厅温度二十一度五客厅湿度百分之四十五");
    assert_prints(&l, 80,
                  "13:45:52.007  home/hall/temperature  客厅温度二十一…  → thermostat  0.724 ms  ok\n");
}

static void topics_give_way_to_what_came_of_it(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("19.0");
    add_output(&l, "home/hall/heater", "on");
    assert_prints(&l, 80,
                  "13:45:52.007  home/hall/t…  19.0  → thermostat  0.724 ms  ok  → home/hall/h…  on\n");
    l = line_of("nineteen point five degrees");
    add_output(&l, "home/hall/heater", "on");
    assert_prints(&l, 80,
                  "13:45:52.007  home/hall…  ninetee…  → thermostat  0.724 ms  ok  → home/hall…  on\n");
    l = line_of("19.0");
    add_output(&l, "home/hall/heater", "on");
    assert_prints(&l, 70, "13:45:52.007  home/hall/t…  19.0  → thermostat  0.724 ms  ok  → 1 more\n");
}

static void outputs_that_have_no_room_are_counted(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("19.0");
    for (int i = 0; i < 200; i++)
        add_output(&l, "home/hall/heater", "on");
    char *text = printed(&l, false, 120);
    assert_true(columns_of(text) <= 120);
    assert_non_null(strstr(text, "  → home/hall/heater  on  → 199 more\n"));
    free(text);
    dev_line_finish(&l);
}

static void colours_are_only_there_when_asked_for(void **unused)
{
    (void)unused;
    struct dev_line l = line_of("19.0");
    l.good = false;
    char *plain = printed(&l, false, 80), *coloured = printed(&l, true, 80);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[1;31mok\033[0m"));
    free(plain);
    free(coloured);
    dev_line_finish(&l);
}

static void an_output_that_comes_later_stands_alone(void **unused)
{
    (void)unused;
    struct dev_line l = {.clock = {.tm_hour = 1}, .function = strdup("thermostat")};
    add_output(&l, "hark/dead/thermostat", "x");
    assert_prints(&l, 0, "01:00:00.000  thermostat  → hark/dead/thermostat  x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_line_with_its_outputs),
        cmocka_unit_test(what_could_command_a_terminal_is_shown),
        cmocka_unit_test(long_payloads_give_way_to_the_window),
        cmocka_unit_test(what_takes_two_columns_is_cut_in_time),
        cmocka_unit_test(topics_give_way_to_what_came_of_it),
        cmocka_unit_test(outputs_that_have_no_room_are_counted),
        cmocka_unit_test(colours_are_only_there_when_asked_for),
        cmocka_unit_test(an_output_that_comes_later_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
