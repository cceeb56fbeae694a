/* The tables of keys, the JSON Schema and the reference say the same. Both are made from the tables:
 *
 *     key_tables_test manifest schema    the whole of manifests/hark-manifest.schema.json
 *     key_tables_test manifest rows      the rows of docs/manifest.md
 *
 * and likewise node (hark-node.schema.json, node.md) and test (hark-test.schema.json, test-cases.md). */
#include "cli/case_keys.h"
#include "manifest/manifest_keys.h"
#include "manifest/node_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static const struct table {
    const char *name, *title, *description;
    const struct keys *keys;
    const char *schema, *reference; /* files */
} tables[] = {
    {"manifest", "hark manifest", "What runs a function, and what it may do. One manifest a function.",
     &manifest_keys, TEST_SOURCE_DIR "/manifests/hark-manifest.schema.json",
     TEST_SOURCE_DIR "/docs/manifest.md"},
    {"node", "hark node", "hark.yaml: the settings of one node.", &node_keys,
     TEST_SOURCE_DIR "/manifests/hark-node.schema.json", TEST_SOURCE_DIR "/docs/node.md"},
    {"test", "hark test cases", "Messages to a function, and what is expected of them.", &case_file_keys,
     TEST_SOURCE_DIR "/manifests/hark-test.schema.json", TEST_SOURCE_DIR "/docs/test-cases.md"},
};

enum { TABLE_COUNT = sizeof tables / sizeof *tables, TABLES_INSIDE_MAX = 32 };

enum { ROW_MAX = 1024, BOUNDS_MAX = 256, DOCUMENT_MAX = 64 * 1024 };

/* ---- bounds in words ---- */

static void describe_words(const struct key *key, char *buffer, size_t size)
{
    size_t used = 0;
    for (const struct key_word *w = key->words; w->word; w++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", w == key->words ? "" : ", ", w->word);
}

static void describe_bounds(const struct key *key, char *buffer, size_t size)
{
    char min[KEY_FORMATTED_MAX], max[KEY_FORMATTED_MAX];

    buffer[0] = '\0';
    if (key->bounds)
        snprintf(buffer, size, "%s", key->bounds);
    else if (key->words)
        describe_words(key, buffer, size);
    else if (key->max)
        snprintf(buffer, size, "%s to %s%s", key_format(key, key->min, min), key_format(key, key->max, max),
                 key->type == KEY_MAPS ? " items" : "");
}

/* ---- the schema ---- */

static json_t *object_of(const struct keys *keys);

static void set(json_t *object, const char *name, json_t *value)
{
    assert_int_equal(json_object_set_new(object, name, value), 0);
}

static void set_text(json_t *schema, const struct key *key)
{
    set(schema, "type", json_string("string"));
    if (key->min)
        set(schema, "minLength", json_integer((json_int_t)key->min));
    set(schema, "maxLength", json_integer((json_int_t)key->max));
    if (key->regex)
        set(schema, "pattern", json_string(key->regex));
}

static void set_quantity(json_t *schema, const struct key *key)
{
    set(schema, "type", json_string("string"));
    set(schema, "pattern",
        json_string(key->type == KEY_SIZE      ? "^[0-9]+(B|KiB|MiB|GiB)$"
                    : key->type == KEY_RATE    ? "^[0-9]+(B|KiB|MiB|GiB)/s$"
                    : key->type == KEY_PERCENT ? "^[0-9]+%$"
                                               : "^[0-9]+(ms|s|m|h|d)$"));
}

static void set_count(json_t *schema, const struct key *key)
{
    set(schema, "type", json_string("integer"));
    set(schema, "minimum", json_integer((json_int_t)key->min));
    set(schema, "maximum", json_integer((json_int_t)key->max));
}

static json_t *words_of(const struct key *key)
{
    json_t *words = json_array();
    for (const struct key_word *w = key->words; w->word; w++)
        json_array_append_new(words, json_string(w->word));
    return words;
}

/* Its words are what YAML takes for a boolean. */
static bool is_boolean(const struct key *key)
{
    return key->type == KEY_CHOICE && strcmp(key->words[0].word, "true") == 0;
}

/* A word, "{name}", or {name} as YAML reads it without quotes: an object of one null. */
static void set_order(json_t *schema, const struct key *key)
{
    set(schema, "anyOf",
        json_pack("[{so}, {ss, ss}, {ss, si, si, s{ss}, s{ss}}]", "enum", words_of(key), "type", "string",
                  "pattern", "^\\{[a-z][a-z0-9_]{0,31}\\}$", "type", "object", "minProperties", 1,
                  "maxProperties", 1, "propertyNames", "pattern", "^[a-z][a-z0-9_]{0,31}$",
                  "additionalProperties", "type", "null"));
}

static void set_items(json_t *schema, const struct key *key, json_t *items)
{
    set(schema, "type", json_string("array"));
    set(schema, "items", items);
    set(schema, "minItems", json_integer((json_int_t)key->min));
    set(schema, "maxItems", json_integer((json_int_t)key->max));
}

static void set_pairs(json_t *schema, const struct key *key)
{
    set(schema, "type", json_string("object"));
    set(schema, "maxProperties", json_integer((json_int_t)key->max));
    set(schema, "propertyNames", json_pack("{si, si}", "minLength", 1, "maxLength", 255));
    json_t *text = json_pack("{s[sss]}", "type", "string", "number", "boolean");
    set(schema, "additionalProperties",
        key->inside ? json_pack("{s[o, o]}", "anyOf", text, object_of(key->inside)) : text);
}

static void set_named(json_t *schema, const struct key *key)
{
    set(schema, "type", json_string("object"));
    set(schema, "maxProperties", json_integer((json_int_t)key->max));
    set(schema, "propertyNames", json_pack("{ss}", "pattern", key->regex));
    set(schema, "additionalProperties", object_of(key->inside));
}

/* A text, or a map. */
static void set_texts(json_t *schema, const struct key *key)
{
    set_items(
        schema, key,
        json_pack("{s[{ss, si}, o]}", "anyOf", "type", "string", "minLength", 1, object_of(key->inside)));
}

static void set_one_or_maps(json_t *schema, const struct key *key)
{
    json_t *list = json_object();
    set_items(list, key, object_of(key->inside));
    set(schema, "anyOf", json_pack("[o, o]", object_of(key->inside), list));
}

/* A path, or a map of one. */
static void set_grants(json_t *schema, const struct key *key)
{
    set_items(
        schema, key,
        json_pack("{s[{ss, ss}, o]}", "anyOf", "type", "string", "pattern", "^/.", object_of(key->inside)));
}

static void set_network(json_t *schema, const struct key *key)
{
    set(schema, "anyOf", json_pack("[{so}, o]", "enum", words_of(key), object_of(key->inside)));
}

static void set_type(json_t *schema, const struct key *key)
{
    switch (key->type) {
    case KEY_DURATION:
    case KEY_SECONDS:
    case KEY_SIZE:
    case KEY_RATE:
    case KEY_PERCENT:
        set_quantity(schema, key);
        break;
    case KEY_COUNT:
        set_count(schema, key);
        break;
    case KEY_CHOICE:
        if (is_boolean(key))
            set(schema, "type", json_string("boolean"));
        else
            set(schema, "enum", words_of(key));
        break;
    case KEY_ORDER:
        set_order(schema, key);
        break;
    case KEY_MAP:
        assert_int_equal(json_object_update_new(schema, object_of(key->inside)), 0);
        break;
    case KEY_MAPS:
        set_items(schema, key, object_of(key->inside));
        break;
    case KEY_PATTERNS:
        set_items(schema, key, json_pack("{ss, si}", "type", "string", "minLength", 1));
        break;
    case KEY_PAIRS:
        set_pairs(schema, key);
        break;
    case KEY_GRANTS:
        set_grants(schema, key);
        break;
    case KEY_NETWORK:
        set_network(schema, key);
        break;
    case KEY_PORTS:
        set_items(schema, key, json_pack("{ss, si, si}", "type", "integer", "minimum", 1, "maximum", 65535));
        break;
    case KEY_NAMED:
        set_named(schema, key);
        break;
    case KEY_TEXTS:
        set_texts(schema, key);
        break;
    case KEY_ONE_OR_MAPS:
        set_one_or_maps(schema, key);
        break;
    case KEY_ANY:
        break;
    case KEY_PATHS:
        set_items(schema, key, json_pack("{ss, ss}", "type", "string", "pattern", "^/."));
        break;
    default:
        set_text(schema, key);
    }
}

/* A default that depends on other keys is no value, and stands in <>. */
static void set_default(json_t *schema, const struct key *key)
{
    if (!key->initial || strchr(key->initial, '<'))
        return;
    json_t *value = key->type == KEY_COUNT || key->type == KEY_PATTERNS || key->type == KEY_PAIRS ||
                            key->type == KEY_GRANTS || key->type == KEY_NAMED || is_boolean(key)
                        ? json_loads(key->initial, JSON_DECODE_ANY, NULL)
                        : json_string(key->initial);
    set(schema, "default", value);
}

static json_t *value_of(const struct key *key)
{
    json_t *schema = json_object();
    char text[ROW_MAX], bounds[BOUNDS_MAX];

    describe_bounds(key, bounds, sizeof bounds);
    snprintf(text, sizeof text, "%s%s%s%s", key->meaning, *bounds ? " (" : "", bounds, *bounds ? ")" : "");
    set(schema, "description", json_string(text));
    set_type(schema, key);
    set_default(schema, key);
    return schema;
}

static json_t *choice_of(const struct keys *keys)
{
    json_t *choice = json_array();
    for (const char *const *name = keys->one_of; *name; name++)
        json_array_append_new(choice, json_pack("{s[s]}", "required", *name));
    return choice;
}

static json_t *object_of(const struct keys *keys)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < keys->count; i++) {
        set(properties, keys->list[i].name, value_of(&keys->list[i]));
        if (keys->list[i].required)
            json_array_append_new(required, json_string(keys->list[i].name));
    }
    json_t *schema =
        json_pack("{ss, sb, so}", "type", "object", "additionalProperties", 0, "properties", properties);
    if (json_array_size(required) > 0)
        set(schema, "required", json_incref(required));
    json_decref(required);
    if (keys->one_of)
        set(schema, "oneOf", choice_of(keys));
    return schema;
}

static json_t *schema_of(const struct table *t)
{
    json_t *schema = json_pack("{ss, ss, ss}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                               "title", t->title, "description", t->description);
    assert_int_equal(json_object_update_new(schema, object_of(t->keys)), 0);
    return schema;
}

/* ---- the reference ---- */

struct rows {
    const char *text; /* the document to look in; NULL: print */
    size_t count;
    const struct keys *seen[TABLES_INSIDE_MAX]; /* two keys may have one table inside */
    size_t seen_count;
};

static void describe_default(const struct key *key, char *buffer, size_t size)
{
    if (key->initial)
        snprintf(buffer, size, "`%s`", key->initial);
    else
        snprintf(buffer, size, "%s", key->required ? "required" : key->type == KEY_MAP ? "" : "none");
}

static void make_row(const char *prefix, const struct key *key, char *row)
{
    char bounds[BOUNDS_MAX], initial[BOUNDS_MAX];

    describe_bounds(key, bounds, sizeof bounds);
    describe_default(key, initial, sizeof initial);
    snprintf(row, ROW_MAX, "| `%s%s` | %s | %s | %s | %s | %s |\n", prefix, key->name,
             key_type_name(key->type), key_unit(key->type), initial, bounds, key->meaning);
}

static bool is_seen(struct rows *rows, const struct keys *keys)
{
    for (size_t i = 0; i < rows->seen_count; i++) {
        if (rows->seen[i] == keys)
            return true;
    }
    assert_in_range(rows->seen_count, 0, TABLES_INSIDE_MAX - 1);
    rows->seen[rows->seen_count++] = keys;
    return false;
}

static void visit(struct rows *rows, const struct keys *keys)
{
    char row[ROW_MAX];

    if (is_seen(rows, keys))
        return;
    for (size_t i = 0; i < keys->count; i++) {
        make_row(keys->prefix, &keys->list[i], row);
        if (!rows->text)
            fputs(row, stdout);
        else if (!strstr(rows->text, row))
            fail_msg("this row is missing: %s", row);
        rows->count++;
        if (keys->list[i].inside)
            visit(rows, keys->list[i].inside);
    }
}

static void read_file(const char *path, char text[DOCUMENT_MAX])
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be opened", path);
    size_t len = fread(text, 1, DOCUMENT_MAX, f);
    assert_in_range(len, 1, DOCUMENT_MAX - 1);
    text[len] = '\0';
    fclose(f);
}

static size_t count_rows(const char *text)
{
    size_t count = 0;
    for (const char *row = strstr(text, "\n| `"); row; row = strstr(row + 1, "\n| `"))
        count++;
    return count;
}

static void reference_has_the_rows_of(const char *path, const struct keys *keys)
{
    static char text[DOCUMENT_MAX];
    read_file(path, text);
    struct rows rows = {.text = text};
    visit(&rows, keys);
    assert_int_equal(count_rows(text), rows.count);
}

/* ---- claims ---- */

static void each_schema_says_what_its_table_says(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        json_error_t error;
        json_t *written = json_load_file(tables[i].schema, JSON_REJECT_DUPLICATES, &error);
        json_t *expected = schema_of(&tables[i]);
        if (!written)
            fail_msg("%s:%d: %s", tables[i].schema, error.line, error.text);
        if (!json_equal(written, expected))
            fail_msg("%s is not what the table says", tables[i].schema);
        json_decref(written);
        json_decref(expected);
    }
}

static void each_reference_has_every_key_and_no_other(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        reference_has_the_rows_of(tables[i].reference, tables[i].keys);
}

static void default_is_within_bounds(const struct key *key)
{
    uint64_t number;
    const char *why;
    if (!key->initial ||
        !(key->type == KEY_DURATION || key->type == KEY_SECONDS || key->type == KEY_SIZE ||
          key->type == KEY_RATE || key->type == KEY_COUNT || key->type == KEY_PERCENT || key->words))
        return;
    assert_int_equal(key_number(key, slice_of(key->initial), &number, &why), 0);
    assert_true(key->words || (number >= key->min && number <= key->max));
}

static void table_is_whole(const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->list[i];
        assert_ptr_equal(keys_find(keys, slice_of(key->name)), key);
        assert_non_null(key->meaning);
        assert_non_null(key->example);
        default_is_within_bounds(key);
        if (key->inside)
            table_is_whole(key->inside);
    }
}

static void every_key_has_a_meaning_an_example_and_a_default_within_its_bounds(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        table_is_whole(tables[i].keys);
}

static int print(const char *name, const char *what)
{
    struct rows rows = {0};
    size_t i = 0;
    while (i < TABLE_COUNT && strcmp(tables[i].name, name) != 0)
        i++;
    if (i == TABLE_COUNT)
        return 1;
    if (strcmp(what, "schema") == 0) {
        json_t *schema = schema_of(&tables[i]);
        int r = json_dumpf(schema, stdout, JSON_INDENT(2)) < 0 || puts("") < 0;
        json_decref(schema);
        return r;
    }
    visit(&rows, tables[i].keys);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_schema_says_what_its_table_says),
        cmocka_unit_test(each_reference_has_every_key_and_no_other),
        cmocka_unit_test(every_key_has_a_meaning_an_example_and_a_default_within_its_bounds),
    };
    return argc > 2 ? print(argv[1], argv[2]) : cmocka_run_group_tests(tests, NULL, NULL);
}
