#include "manifest/yaml_words.h"

#include <stdio.h>

struct words {
    const char *problem; /* of libyaml; a part of it is enough */
    const char *opens;   /* what began on a line of its own, to be named first; or NULL */
    const char *text;
};

#define QUOTE_ADVICE "put quotes around a text with any of { } [ ] , # : in it"

static const struct words table[] = {
    {"found unexpected end of stream", "the quote that opens", "is never closed: add the closing quote"},
    {"found unexpected document indicator", "the quote that opens",
     "is not closed before this line: add the closing quote"},
    {"expected ',' or ']'", "the '['", "has no matching ']': add it, or the comma between two items"},
    {"expected ',' or '}'", "the '{'",
     "has no matching '}': add it, or the comma between two entries; " QUOTE_ADVICE},
    {"tab character", NULL, "a tab as indentation: use spaces"},
    {"could not find expected ':'", NULL,
     "a ':' is missing after the key, or the line is not indented like the text it belongs to: write key: "
     "value"},
    {"did not find expected key", NULL,
     "this line fits neither the key above it nor the indentation: indent it like its "
     "neighbours; " QUOTE_ADVICE},
    {"did not find expected '-' indicator", NULL,
     "this line is indented like a list's items and does not begin with '- ': add the '- ', or correct the "
     "indentation"},
    {"block sequence entries are not allowed", NULL,
     "a list may not begin here: put '- ' on a line of its own, below the key"},
    {"mapping values are not allowed", NULL,
     "a second ': ' on one line, or a wrong indentation: " QUOTE_ADVICE},
    {"mapping keys are not allowed", NULL, "a key may not begin here: put it on a line of its own"},
    {"expected <document start>", NULL, "text after the end of the document: " QUOTE_ADVICE},
    {"cannot start any token", NULL, "a text may not begin with this character: put quotes around the text"},
    {"expected node content", NULL,
     "a value is missing here, or begins with a character that has a meaning in YAML: " QUOTE_ADVICE},
    {"unknown escape character", NULL,
     "an unknown escape after '\\': write \\\\ for a backslash, or use single quotes"},
    {"hexdecimal number", NULL, "an escape needs hexadecimal digits here: write for instance \\u00e9"},
    {"invalid Unicode character", NULL, "the escape names no Unicode character: correct its digits"},
    {"comment or line break", NULL, "something follows where the line should end: put it on the next line"},
    {"found unexpected ':'", NULL, "a ':' inside an unquoted text: put quotes around the text"},
    {"YAML directive", NULL, "a %YAML line that is not '%YAML 1.1' or '%YAML 1.2': remove it"},
    {"incompatible YAML document", NULL, "a %YAML line that is not '%YAML 1.1' or '%YAML 1.2': remove it"},
    {"directive", NULL, "a line that begins with '%': remove it, or put quotes around the text"},
    {"alphabetic or numeric character", NULL,
     "'*' and '&' have a meaning in YAML at the start of a text: put quotes around the text"},
    {"non-alphabetical character", NULL,
     "a line that begins with '%': remove it, or put quotes around the text"},
    {"control characters", NULL, "a control character: remove it, or write it as an escape in double quotes"},
};

static bool indented_by_tab(struct slice line)
{
    for (size_t i = 0; i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'); i++) {
        if (line.data[i] == '\t')
            return true;
    }
    return false;
}

static const struct words *find(const char *problem)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strstr(problem, table[i].problem))
            return &table[i];
    }
    return NULL;
}

const char *yaml_words(const struct yaml_fault *fault, char *buffer, size_t size)
{
    const char *problem = indented_by_tab(fault->line) ? "tab character" : fault->problem;
    const struct words *words = find(problem);

    if (!words)
        snprintf(buffer, size, "not YAML: %s", problem);
    else if (words->opens)
        snprintf(buffer, size, "%s on line %u %s", words->opens, fault->context_line, words->text);
    else
        snprintf(buffer, size, "%s", words->text);
    return buffer;
}
