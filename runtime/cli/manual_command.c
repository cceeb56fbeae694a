#include "cli/command_table.h"
#include "cli/manual.h"
#include "cli/options_internal.h"

#include <ctype.h>
#include <string.h>

enum { LINE_BYTES = 512, TITLE_BYTES = 64 };

static const char exit_codes[] = "Exit codes: ";

enum line { BLANK, FLOWING, LITERAL };

static enum line line_of(const char *text)
{
    return text[0] == '\0' || text[0] == '\n' ? BLANK : text[0] == ' ' ? LITERAL : FLOWING;
}

/* Between a line and the next: what is indented stands as it is, the rest flows. */
static void write_change(FILE *f, enum line from, enum line to)
{
    if (from == LITERAL && to != LITERAL)
        fputs(".fi\n", f);
    if (to == BLANK || (to == LITERAL && from == FLOWING))
        fputs(".PP\n", f);
    if (to == LITERAL && from != LITERAL)
        fputs(".nf\n", f);
}

/* From `text`, which begins with a line that flows, up to `end`. */
static void write_lines(FILE *f, const char *text, const char *end)
{
    char line[LINE_BYTES];
    enum line before = FLOWING;
    while (text < end) {
        size_t len = strcspn(text, "\n");
        enum line kind = line_of(text);
        write_change(f, before, kind);
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (kind != BLANK)
            manual_text(f, line);
        before = kind;
        text += len + (text[len] == '\n');
    }
    if (before == LITERAL)
        fputs(".fi\n", f);
}

static void write_exit_status(FILE *f, const char *help)
{
    const char *codes = strstr(help, exit_codes);
    if (!codes)
        return;
    codes += strlen(exit_codes);
    fputs(".SH EXIT STATUS\n", f);
    write_lines(f, codes, codes + strlen(codes));
}

static void write_description(FILE *f, const char *help)
{
    const char *end = strstr(help, exit_codes);
    fputs(".SH DESCRIPTION\n", f);
    if (!end)
        end = help + strlen(help);
    while (end > help && end[-1] == '\n')
        end--;
    write_lines(f, help, end);
}

static void write_option(FILE *f, const struct option_row *row)
{
    fputs(".TP\n\\fB\\-\\-", f);
    manual_words(f, row->name);
    fputs("\\fR", f);
    if (row->value) {
        fputs(" \\fI", f);
        manual_words(f, row->value);
        fputs("\\fR", f);
    }
    fputs("\n", f);
    manual_text(f, row->help);
}

static void write_title(FILE *f, const struct command *command)
{
    char title[TITLE_BYTES], summary[LINE_BYTES];
    snprintf(title, sizeof title, "HARK-%s", command->name);
    for (char *c = title; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    snprintf(summary, sizeof summary, "hark-%s - %s", command->name, command->summary);
    manual_header(f, title, 1, summary);
}

void manual_write_command(FILE *f, const struct command *command)
{
    write_title(f, command);
    fprintf(f, ".SH SYNOPSIS\n\\fBhark %s\\fR [\\fIOPTION\\fR]... ", command->name);
    manual_words(f, command->arguments);
    fputs("\n", f);
    write_description(f, command->help);
    fputs(".SH OPTIONS\n", f);
    for (int i = 0; i < option_count; i++) {
        if (command->takes & (UINT64_C(1) << i))
            write_option(f, &option_table[i]);
    }
    write_exit_status(f, command->help);
    if (command->examples) {
        fputs(".SH EXAMPLES\n", f);
        write_lines(f, command->examples, command->examples + strlen(command->examples));
    }
    fputs(".SH SEE ALSO\n\\fBhark\\fR(1), \\fBhark\\-manifest\\fR(5), \\fBhark.yaml\\fR(5), "
          "\\fBhark\\-test\\fR(5)\n",
          f);
}

void manual_write_hark(FILE *f)
{
    manual_header(f, "HARK", 1, "hark - functions that listen to MQTT topics");
    fputs(".SH SYNOPSIS\n\\fBhark\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
          ".SH DESCRIPTION\n"
          "A function is a shared object with a manifest beside it. hark subscribes to the topics that the\n"
          "manifest names, and runs the function for each message, in a process of its own that may do\n"
          "nothing but what the manifest says.\n"
          ".PP\n"
          "Results go to standard output, all else to standard error, one line each.\n"
          ".SH COMMANDS\n",
          f);
    for (int i = 0; i < command_count; i++) {
        fprintf(f, ".TP\n\\fBhark\\-%s\\fR(1)\n", command_table[i]->name);
        manual_text(f, command_table[i]->summary);
    }
    fputs(".SH SEE ALSO\n\\fBhark\\-manifest\\fR(5), \\fBhark.yaml\\fR(5), \\fBhark\\-test\\fR(5)\n", f);
}
