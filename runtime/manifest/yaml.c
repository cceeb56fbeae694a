#include "manifest/yaml.h"

#include "manifest/yaml_text.h"
#include "manifest/yaml_words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

/* The tree while libyaml's events come in. */
struct builder {
    yaml_parser_t parser;
    struct yaml_tree *tree;
    struct diags *diags;
    struct yaml_cursor cursor;
    struct yaml_node *open[YAML_DEPTH_MAX]; /* lists and maps not ended yet, outermost first */
    struct yaml_node *key[YAML_DEPTH_MAX];  /* of a map: the name whose value comes next; owned */
    size_t depth;
    size_t nodes;
    unsigned documents;
};

static void node_free(struct yaml_node *node)
{
    struct yaml_node *child;

    if (!node)
        return;
    while ((child = STAILQ_FIRST(&node->children))) {
        STAILQ_REMOVE_HEAD(&node->children, next);
        node_free(child); /* as deep as YAML_DEPTH_MAX */
    }
    node_free(node->key);
    free((char *)node->text.data);
    free(node);
}

__attribute__((format(printf, 3, 4))) static void refuse(struct builder *b, yaml_mark_t mark,
                                                         const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    yaml_cursor_to_character(&b->cursor, mark.index);
    diags_add(b->diags, b->tree->file, b->cursor.line, yaml_cursor_column(&b->cursor), "%s", text);
}

#define REFUSE(b, mark, ...) (refuse((b), (mark), __VA_ARGS__), -EINVAL)

static struct slice line_at(struct slice text, size_t start)
{
    size_t end = start;
    while (end < text.len && text.data[end] != '\n' && text.data[end] != '\r')
        end++;
    return slice_make(text.data + start, end - start);
}

/* What libyaml could not read. */
static int refuse_syntax(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    char words[DIAG_TEXT_MAX];

    if (p->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (p->error == YAML_READER_ERROR) /* the only fault with a byte's place */
        yaml_cursor_to_byte(&b->cursor, p->problem_offset);
    else
        yaml_cursor_to_character(&b->cursor, p->problem_mark.index);

    struct yaml_cursor context = yaml_cursor_start(b->tree->text);
    yaml_cursor_to_character(&context, p->context_mark.index);
    struct yaml_fault fault = {
        .problem = p->problem ? p->problem : "unreadable",
        .line = line_at(b->tree->text, b->cursor.line_start),
        .context_line = context.line,
    };
    yaml_words(&fault, words, sizeof words);
    diags_add(b->diags, b->tree->file, b->cursor.line, yaml_cursor_column(&b->cursor), "%s", words);
    return -EINVAL;
}

/* Puts a node where the events have come to; takes it over, also when it fails. */
static void place(struct builder *b, struct yaml_node *node)
{
    if (b->depth == 0) {
        b->tree->root = node;
        return;
    }
    struct yaml_node *parent = b->open[b->depth - 1];
    struct yaml_node **key = &b->key[b->depth - 1];
    if (parent->kind == YAML_MAP && !*key) {
        *key = node;
        return;
    }
    node->key = *key;
    *key = NULL;
    STAILQ_INSERT_TAIL(&parent->children, node, next);
    parent->child_count++;
}

static bool key_is_next(const struct builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == YAML_MAP && !b->key[b->depth - 1];
}

static int add_node(struct builder *b, enum yaml_kind kind, yaml_mark_t mark, struct yaml_node **ret_node)
{
    if (b->nodes++ == YAML_NODES_MAX)
        return REFUSE(b, mark, "more than %d keys and values: is it the right file?", YAML_NODES_MAX);
    struct yaml_node *node = calloc(1, sizeof *node);
    if (!node)
        return -ENOMEM;
    yaml_cursor_to_character(&b->cursor, mark.index);
    STAILQ_INIT(&node->children);
    node->kind = kind;
    node->start = node->end = b->cursor.byte;
    node->line = b->cursor.line;
    node->column = yaml_cursor_column(&b->cursor);
    *ret_node = node;
    return 0;
}

static int check_properties(struct builder *b, yaml_mark_t mark, const yaml_char_t *anchor,
                            const yaml_char_t *tag)
{
    if (anchor)
        return REFUSE(b, mark, "an anchor ('&%.40s'): not used here, write the value where it is needed",
                      anchor);
    if (tag)
        return REFUSE(b, mark, "a tag ('!'): not used here, remove it, or put quotes around the text");
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What libyaml calls the end of a block scalar, `|` or `>`, is the line after it. */
static void end_text(struct builder *b, struct yaml_node *node, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    yaml_cursor_to_character(&b->cursor, event->end_mark.index);
    node->end = b->cursor.byte;
    while ((style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) &&
           node->end > node->start && is_blank(b->tree->text.data[node->end - 1]))
        node->end--;
}

static int add_text(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct yaml_node *node;

    int r = check_properties(b, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    if (r == 0 && memchr(value, '\0', len))
        r = REFUSE(b, event->start_mark, "a NUL character (\\0) in a text: remove it");
    if (r == 0)
        r = add_node(b, YAML_TEXT, event->start_mark, &node);
    if (r != 0)
        return r;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    end_text(b, node, event);
    char *copy = malloc(len + 1);
    if (!copy) {
        node_free(node);
        return -ENOMEM;
    }
    memcpy(copy, value, len);
    copy[len] = '\0';
    node->text = slice_make(copy, len);
    place(b, node);
    return 0;
}

static int open_node(struct builder *b, enum yaml_kind kind, yaml_mark_t mark, const yaml_char_t *anchor,
                     const yaml_char_t *tag)
{
    struct yaml_node *node;

    int r = check_properties(b, mark, anchor, tag);
    if (r != 0)
        return r;
    if (key_is_next(b))
        return REFUSE(b, mark,
                      "a list or keys in the place of a key: write a word; put quotes around a text "
                      "that begins with { or [");
    if (b->depth == YAML_DEPTH_MAX)
        return REFUSE(b, mark, "nested more than %d deep: nothing here needs that", YAML_DEPTH_MAX);
    r = add_node(b, kind, mark, &node);
    if (r != 0)
        return r;
    place(b, node);
    b->open[b->depth++] = node;
    return 0;
}

static struct yaml_node *find_before(const struct yaml_node *map, const struct yaml_node *end)
{
    struct yaml_node *n;
    STAILQ_FOREACH (n, &map->children, next) {
        if (n == end)
            return NULL;
        if (strcmp(n->key->text.data, end->key->text.data) == 0) /* no NUL inside */
            return n;
    }
    return NULL;
}

static void refuse_duplicates(struct builder *b, struct yaml_node *map)
{
    struct yaml_node *n;
    char shown[YAML_SHOWN_MAX];

    STAILQ_FOREACH (n, &map->children, next) {
        const struct yaml_node *first = find_before(map, n);
        if (!first)
            continue;
        n->refused = true;
        diags_add(b->diags, b->tree->file, n->key->line, n->key->column,
                  "duplicate key %s: it is already on line %u, remove one of the two",
                  yaml_show(n->key, shown), first->key->line);
    }
}

static void end_node(struct builder *b, struct yaml_node *node, const yaml_event_t *event)
{
    const struct yaml_node *last = yaml_last(node);
    char first = node->start < b->tree->text.len ? b->tree->text.data[node->start] : '\0';
    if (first == '{' || first == '[') {
        yaml_cursor_to_character(&b->cursor, event->end_mark.index);
        node->end = b->cursor.byte;
    } else if (last) {
        node->end = last->end;
    }
}

static void close_node(struct builder *b, const yaml_event_t *event)
{
    struct yaml_node *node = b->open[--b->depth];
    end_node(b, node, event);
    if (node->kind == YAML_MAP)
        refuse_duplicates(b, node);
}

/* 1 at the end of the text. */
static int take_event(struct builder *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++)
            return REFUSE(b, e->start_mark, "a second document begins here: write one in each file");
        return 0;
    case YAML_ALIAS_EVENT:
        return REFUSE(b, e->start_mark,
                      "an alias ('*%.40s'): not used here, write the value, or put quotes around the text",
                      e->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        return add_text(b, e);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(b, YAML_LIST, e->start_mark, e->data.sequence_start.anchor,
                         e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_node(b, YAML_MAP, e->start_mark, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(b, e);
        return 0;
    default:
        return e->type == YAML_STREAM_END_EVENT;
    }
}

static int build(struct builder *b)
{
    int r = 0;
    while (r == 0) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event))
            return refuse_syntax(b);
        r = take_event(b, &event);
        yaml_event_delete(&event);
    }
    return r < 0 ? r : 0;
}

/* `---` and nothing after it is a null of libyaml's making. */
static void drop_empty_root(struct yaml_tree *tree)
{
    struct yaml_node *root = tree->root;
    if (root && root->kind == YAML_TEXT && root->plain && root->text.len == 0) {
        node_free(root);
        tree->root = NULL;
    }
}

int yaml_tree_parse(const char *file, struct slice text, struct yaml_tree *ret_tree, struct diags *diags)
{
    struct yaml_tree tree = {.file = file, .text = yaml_text_skip_bom(text)};
    int r = yaml_text_check(file, tree.text, diags);
    if (r < 0)
        return r;
    struct builder b = {.tree = &tree, .diags = diags, .cursor = yaml_cursor_start(tree.text)};
    if (!yaml_parser_initialize(&b.parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)tree.text.data, tree.text.len);
    r = build(&b);
    yaml_parser_delete(&b.parser);
    for (size_t i = 0; i < YAML_DEPTH_MAX; i++)
        node_free(b.key[i]);
    if (r < 0) {
        yaml_tree_finish(&tree);
        return r;
    }
    drop_empty_root(&tree);
    *ret_tree = tree;
    return 0;
}

void yaml_tree_finish(struct yaml_tree *tree)
{
    node_free(tree->root);
    tree->root = NULL;
}
