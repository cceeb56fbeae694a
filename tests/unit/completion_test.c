/* The scripts of `hark completion` offer what the tables of commands and options have, and nothing else. */
#include "cli/completion.h"

#include "cli/command_table.h"
#include "cli/value_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_BYTES = 256 };

static char *script_of(void (*write)(FILE *f))
{
    char *script = NULL;
    size_t len;
    FILE *f = open_memstream(&script, &len);
    assert_non_null(f);
    write(f);
    assert_int_equal(fclose(f), 0);
    return script;
}

/* The part of a script that is about a command: between two texts, of which the script may have more. */
static char *part_between(const char *script, const char *from, const char *to)
{
    const char *start = strstr(script, from);
    if (!start)
        fail_msg("no '%s' in the script", from);
    const char *end = strstr(start, to);
    if (!end)
        fail_msg("no '%s' behind '%s'", to, from);
    char *part = strndup(start, (size_t)(end - start));
    assert_non_null(part);
    return part;
}

/* Each option of the command is there as `before` NAME `after`, and no other is. */
static void options_are_those_of(const struct command *command, const char *part, const char *before,
                                 const char *after)
{
    char text[LINE_BYTES];
    for (int i = 0; i < option_count; i++) {
        snprintf(text, sizeof text, "%s%s%s", before, option_table[i].name, after);
        bool is_there = strstr(part, text) != NULL;
        if (is_there != ((command->takes & (UINT64_C(1) << i)) != 0))
            fail_msg("--%s of hark %s is %s", option_table[i].name, command->name,
                     is_there ? "offered and not taken" : "not offered");
    }
}

static void bash_is_offered_each_option_of_each_command(void **unused)
{
    (void)unused;
    char from[LINE_BYTES];
    char *script = script_of(completion_bash);
    for (int i = 0; i < command_count; i++) {
        snprintf(from, sizeof from, "\n  %s)\n", command_table[i]->name);
        char *part = part_between(script, from, ";;");
        options_are_those_of(command_table[i], part, " --", " ");
        free(part);
    }
    free(script);
}

static void zsh_is_offered_each_option_of_each_command(void **unused)
{
    (void)unused;
    char from[LINE_BYTES];
    char *script = script_of(completion_zsh);
    for (int i = 0; i < command_count; i++) {
        snprintf(from, sizeof from, "'%s:", command_table[i]->name);
        assert_non_null(strstr(script, from));
        snprintf(from, sizeof from, "\n  %s)\n", command_table[i]->name);
        char *part = part_between(script, from, "\n    ;;");
        for (char *c = part; *c; c++)
            *c = *c == '=' ? '[' : *c; /* `--qos=[` has a value, `--json[` has none */
        options_are_those_of(command_table[i], part, "--", "[");
        free(part);
    }
    free(script);
}

static void fish_is_offered_each_option_of_each_command(void **unused)
{
    (void)unused;
    char text[LINE_BYTES];
    char *script = script_of(completion_fish);
    for (int i = 0; i < command_count; i++) {
        snprintf(text, sizeof text, "-n __hark_wants_command -a %s ", command_table[i]->name);
        assert_non_null(strstr(script, text));
        snprintf(text, sizeof text, "-n '__hark_is %s' -l ", command_table[i]->name);
        options_are_those_of(command_table[i], script, text, " ");
    }
    free(script);
}

static void what_stands_for_a_value_says_what_may_be_offered(void **unused)
{
    (void)unused;
    struct value_kind file = value_kind_of("FUNCTION.yaml or FILE.so"), folder = value_kind_of("[DIR]"),
                      either = value_kind_of("[FILE or DIR]..."), words = value_kind_of("one|two [ID]..."),
                      text = value_kind_of("N/s"), layer = value_kind_of("LAYER");
    assert_true(file.file && !file.folder && file.words[0] == '\0');
    assert_true(folder.folder && !folder.file);
    assert_true(either.file && !either.folder);
    assert_string_equal(words.words, "one two");
    assert_true(!text.file && !text.folder && text.words[0] == '\0');
    assert_non_null(strstr(layer.words, "uid user-namespace "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_is_offered_each_option_of_each_command),
        cmocka_unit_test(zsh_is_offered_each_option_of_each_command),
        cmocka_unit_test(fish_is_offered_each_option_of_each_command),
        cmocka_unit_test(what_stands_for_a_value_says_what_may_be_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
