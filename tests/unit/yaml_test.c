/* YAML as a tree with places, and the words for what is not YAML. */
#include "manifest/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct yaml_tree read_tree(struct slice text)
{
    struct yaml_tree tree;
    struct diags diags = {0};
    assert_int_equal(yaml_tree_parse("t.yaml", text, &tree, &diags), 0);
    assert_int_equal(diags.count, 0);
    return tree;
}

static void refused_bytes(struct slice text, const char *expected)
{
    struct yaml_tree tree;
    struct diags diags = {0};
    char line[DIAG_FORMATTED_MAX];
    assert_int_equal(yaml_tree_parse("t.yaml", text, &tree, &diags), -EINVAL);
    assert_int_equal(diags.count, 1);
    assert_string_equal(diag_format(&diags.items[0], line, sizeof line), expected);
    diags_finish(&diags);
}

static void refused(const char *text, const char *expected)
{
    refused_bytes(slice_of(text), expected);
}

static void stands_at(const struct yaml_node *node, unsigned line, unsigned column)
{
    assert_non_null(node);
    assert_int_equal(node->line, line);
    assert_int_equal(node->column, column);
}

static void every_node_knows_where_it_was_written(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("# first\na: 1\nb:\n  - x\n  - { c: \"y\" }\n"));
    struct yaml_node *b = yaml_find(tree.root, "b");
    struct yaml_node *map = STAILQ_NEXT(STAILQ_FIRST(&b->children), next);
    (void)unused;
    stands_at(tree.root, 2, 1);
    stands_at(yaml_find(tree.root, "a"), 2, 4);
    stands_at(b->key, 3, 1);
    stands_at(b, 4, 3);
    stands_at(map, 5, 5);
    stands_at(yaml_find(map, "c"), 5, 10);
    yaml_tree_finish(&tree);
}

static void columns_count_bytes(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("{ é: x, b: y }"));
    (void)unused;
    stands_at(yaml_find(tree.root, "b"), 1, 13);
    yaml_tree_finish(&tree);
}

static void lines_may_end_in_crlf_or_cr(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("a: 1\r\nb: 2\rc: 3\n"));
    (void)unused;
    assert_string_equal(yaml_find(tree.root, "a")->text.data, "1");
    stands_at(yaml_find(tree.root, "b"), 2, 4);
    stands_at(yaml_find(tree.root, "c"), 3, 4);
    yaml_tree_finish(&tree);
}

static void a_byte_order_mark_is_no_part_of_the_text(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("\xef\xbb\xbf"
                                               "a: 1\n"));
    (void)unused;
    stands_at(yaml_find(tree.root, "a"), 1, 4);
    yaml_tree_finish(&tree);
}

static void nothing_but_comments_is_an_empty_tree(void **unused)
{
    static const char *const texts[] = {"", "\n\n", "# x\n", "---\n", "---\n# x\n...\n", "\xef\xbb\xbf"};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct yaml_tree tree = read_tree(slice_of(texts[i]));
        assert_null(tree.root);
    }
}

static void null_is_what_has_no_quotes(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("{a: , b: ~, c: null, d: \"\", e: 'null', f: nul, g: []}"));
    (void)unused;
    assert_true(yaml_is_null(yaml_find(tree.root, "a")));
    assert_true(yaml_is_null(yaml_find(tree.root, "b")));
    assert_true(yaml_is_null(yaml_find(tree.root, "c")));
    assert_false(yaml_is_null(yaml_find(tree.root, "d")));
    assert_false(yaml_is_null(yaml_find(tree.root, "e")));
    assert_false(yaml_is_null(yaml_find(tree.root, "f")));
    assert_false(yaml_is_null(yaml_find(tree.root, "g")));
    yaml_tree_finish(&tree);
}

static void a_place_inside_a_text_is_known_if_it_stands_there_as_it_is(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("a: abc\nb: \"abc\"\nc: \"a\\x62c\"\n"));
    (void)unused;
    assert_int_equal(yaml_column_in(&tree, yaml_find(tree.root, "a"), 2), 6);
    assert_int_equal(yaml_column_in(&tree, yaml_find(tree.root, "b"), 2), 7);
    assert_int_equal(yaml_column_in(&tree, yaml_find(tree.root, "c"), 2), 4);
    yaml_tree_finish(&tree);
}

static void a_long_text_is_shown_cut_between_characters(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéx"));
    char shown[YAML_SHOWN_MAX];
    (void)unused;
    assert_string_equal(yaml_show(tree.root, shown), "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'");
    yaml_tree_finish(&tree);
}

static void a_text_that_may_hold_a_password_is_not_shown(void **unused)
{
    char shown[YAML_SHOWN_MAX];
    struct yaml_tree tree = read_tree(slice_of("{a: \"mqtt://u:secret@h\", b: \"secret@h\"}"));
    (void)unused;
    assert_string_equal(yaml_show(yaml_find(tree.root, "a"), shown), "a text");
    assert_string_equal(yaml_show(yaml_find(tree.root, "b"), shown), "a text");
    yaml_tree_finish(&tree);
}

static void a_duplicate_key_names_the_line_of_the_first(void **unused)
{
    struct yaml_tree tree;
    struct diags diags = {0};
    char line[DIAG_FORMATTED_MAX];
    (void)unused;
    assert_int_equal(yaml_tree_parse("t.yaml", slice_of("a: 1\nb: 2\na: 3\n"), &tree, &diags), 0);
    assert_int_equal(diags.count, 1);
    assert_string_equal(diag_format(&diags.items[0], line, sizeof line),
                        "t.yaml:3:1: duplicate key 'a': it is already on line 1, remove one of the two");
    diags_finish(&diags);
    yaml_tree_finish(&tree);
}

static void a_tab_as_indentation_is_told_to_be_spaces(void **unused)
{
    (void)unused;
    refused("a:\n\tb: c\n", "t.yaml:2:1: a tab as indentation: use spaces");
    refused("a:\n  - b: c\n\td: e\n", "t.yaml:3:1: a tab as indentation: use spaces");
    refused("a: b\n\tc: d\n", "t.yaml:2:1: a tab as indentation: use spaces");
    refused("a: |\n\tb\n", "t.yaml:2:1: a tab as indentation: use spaces");
}

#define QUOTES "put quotes around a text with any of { } [ ] , # : in it"

static void syntax_errors_are_in_words_with_a_place(void **unused)
{
    (void)unused;
    refused("a: \"b\nc: d\n",
            "t.yaml:3:1: the quote that opens on line 1 is never closed: add the closing quote");
    refused("a: [b, c\nd: e\n",
            "t.yaml:2:2: the '[' on line 1 has no matching ']': add it, or the comma between two items");
    refused("a: { b: home/{room}/x }\n",
            "t.yaml:1:14: the '{' on line 1 has no matching '}': add it, or the comma "
            "between two entries; " QUOTES);
    refused("a: b: c\n", "t.yaml:1:5: a second ': ' on one line, or a wrong indentation: " QUOTES);
    refused("é: \"é\" x\n",
            "t.yaml:1:10: this line fits neither the key above it nor the indentation: indent it "
            "like its neighbours; " QUOTES);
    refused("a: @x\n", "t.yaml:1:4: a text may not begin with this character: put quotes around the text");
    refused("a: \"\\q\"\n",
            "t.yaml:1:5: an unknown escape after '\\': write \\\\ for a backslash, or use single "
            "quotes");
    refused("%PDF-1.4\nx",
            "t.yaml:1:7: a line that begins with '%': remove it, or put quotes around the text");
}

static void anchors_aliases_tags_and_second_documents_are_refused(void **unused)
{
    (void)unused;
    refused("a: &x [1]\nb: *x\n",
            "t.yaml:1:4: an anchor ('&x'): not used here, write the value where it is needed");
    refused("b: *x\n",
            "t.yaml:1:4: an alias ('*x'): not used here, write the value, or put quotes around the text");
    refused("a: !!str 5\n",
            "t.yaml:1:4: a tag ('!'): not used here, remove it, or put quotes around the text");
    refused("a: !x {}\n", "t.yaml:1:4: a tag ('!'): not used here, remove it, or put quotes around the text");
    refused("a: b\n---\nc: d\n", "t.yaml:2:1: a second document begins here: write one in each file");
}

static void an_alias_bomb_is_one_complaint(void **unused)
{
    (void)unused;
    refused("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
            "t.yaml:1:4: an anchor ('&a'): not used here, write the value where it is needed");
}

static void what_is_no_text_is_refused(void **unused)
{
    (void)unused;
    refused("a: b\nc: \xff\n", "t.yaml:2:4: not UTF-8: save the file with the encoding UTF-8");
    refused("a: \xed\xa0\x80\n", "t.yaml:1:4: not UTF-8: save the file with the encoding UTF-8");
    refused_bytes(slice_make("\xff\xfe"
                             "a\0",
                             4),
                  "t.yaml:1:1: not UTF-8: save the file with the encoding UTF-8");
    refused_bytes(slice_make("a: b\n\0", 6), "t.yaml:2:1: a NUL byte: this is not a text file, write YAML");
    refused("a: \x01\n",
            "t.yaml:1:4: a control character: remove it, or write it as an escape in double quotes");
    refused("a: b\nc: \xc2\x80\n",
            "t.yaml:2:4: a control character: remove it, or write it as an escape in double quotes");
    refused("a: \"x\\0\"\n", "t.yaml:1:4: a NUL character (\\0) in a text: remove it");
}

static void a_list_is_no_key(void **unused)
{
    (void)unused;
    refused("[a]: b\n",
            "t.yaml:1:1: a list or keys in the place of a key: write a word; put quotes around a text "
            "that begins with { or [");
}

static void more_than_a_mebibyte_is_refused(void **unused)
{
    size_t size = YAML_BYTES_MAX + 1;
    char *text = malloc(size);
    struct yaml_tree tree;
    struct diags diags = {0};
    (void)unused;
    assert_non_null(text);
    memset(text, '#', size);
    refused_bytes(slice_make(text, size),
                  "t.yaml: the file is 1048577 bytes, at most 1 MiB is allowed: is it the right file?");
    assert_int_equal(yaml_tree_parse("t.yaml", slice_make(text, size - 1), &tree, &diags), 0);
    assert_null(tree.root);
    free(text);
}

static void nesting_has_a_limit(void **unused)
{
    struct yaml_tree tree = read_tree(slice_of("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"));
    (void)unused;
    yaml_tree_finish(&tree);
    refused("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
            "t.yaml:1:17: nested more than 16 deep: nothing here needs that");
}

static void the_number_of_nodes_has_a_limit(void **unused)
{
    char *text = malloc(2 * YAML_NODES_MAX + 8);
    size_t len = 0;
    struct yaml_tree tree;
    (void)unused;
    assert_non_null(text);
    for (int i = 0; i < YAML_NODES_MAX; i++) {
        text[len++] = i == 0 ? '[' : 'x';
        text[len++] = i == 0 ? ' ' : ',';
    }
    text[len] = ']';
    tree = read_tree(slice_make(text, len + 1));
    assert_int_equal(tree.root->child_count, YAML_NODES_MAX - 1);
    yaml_tree_finish(&tree);
    text[len++] = 'x';
    text[len++] = ']';
    refused_bytes(slice_make(text, len),
                  "t.yaml:1:80001: more than 40000 keys and values: is it the right file?");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_where_it_was_written),
        cmocka_unit_test(columns_count_bytes),
        cmocka_unit_test(lines_may_end_in_crlf_or_cr),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_text),
        cmocka_unit_test(nothing_but_comments_is_an_empty_tree),
        cmocka_unit_test(null_is_what_has_no_quotes),
        cmocka_unit_test(a_place_inside_a_text_is_known_if_it_stands_there_as_it_is),
        cmocka_unit_test(a_long_text_is_shown_cut_between_characters),
        cmocka_unit_test(a_text_that_may_hold_a_password_is_not_shown),
        cmocka_unit_test(a_duplicate_key_names_the_line_of_the_first),
        cmocka_unit_test(a_tab_as_indentation_is_told_to_be_spaces),
        cmocka_unit_test(syntax_errors_are_in_words_with_a_place),
        cmocka_unit_test(anchors_aliases_tags_and_second_documents_are_refused),
        cmocka_unit_test(an_alias_bomb_is_one_complaint),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(a_list_is_no_key),
        cmocka_unit_test(more_than_a_mebibyte_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(the_number_of_nodes_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
