#include "cli/case_same.h"

static const struct yaml_node *cases_of(const struct yaml_tree *tree)
{
    return yaml_find(tree->root, "cases");
}

static bool same_node(const struct yaml_node *a, const struct yaml_node *b);

static const struct yaml_node *skip_expect(const struct yaml_node *node, bool skips)
{
    while (skips && node && slice_equal(node->key->text, slice_of("expect")))
        node = STAILQ_NEXT(node, next);
    return node;
}

static bool same_children(const struct yaml_node *a, const struct yaml_node *b, bool but_expect)
{
    const struct yaml_node *x = skip_expect(STAILQ_FIRST(&a->children), but_expect),
                           *y = skip_expect(STAILQ_FIRST(&b->children), but_expect);
    while (x && y && same_node(x, y)) {
        x = skip_expect(STAILQ_NEXT(x, next), but_expect);
        y = skip_expect(STAILQ_NEXT(y, next), but_expect);
    }
    return !x && !y;
}

static bool same_node(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || a->plain != b->plain || (a->key == NULL) != (b->key == NULL))
        return false;
    if (a->key && !slice_equal(a->key->text, b->key->text))
        return false;
    return a->kind == YAML_TEXT ? slice_equal(a->text, b->text) : same_children(a, b, false);
}

/* Of the cases that changed all but `expect`. */
static bool same_cases(const struct yaml_node *a, const struct yaml_node *b, const bool *changed)
{
    const struct yaml_node *x = STAILQ_FIRST(&a->children), *y = STAILQ_FIRST(&b->children);
    size_t i = 0;
    while (x && y && (changed[i] ? same_children(x, y, true) : same_node(x, y))) {
        x = STAILQ_NEXT(x, next);
        y = STAILQ_NEXT(y, next);
        i++;
    }
    return !x && !y;
}

static bool same_trees(const struct yaml_tree *a, const struct yaml_tree *b, const bool *changed)
{
    const struct yaml_node *x = STAILQ_FIRST(&a->root->children), *y = STAILQ_FIRST(&b->root->children);
    for (; x && y; x = STAILQ_NEXT(x, next), y = STAILQ_NEXT(y, next)) {
        bool both = x == cases_of(a) && y == cases_of(b);
        if (both ? !same_cases(x, y, changed) : !same_node(x, y))
            return false;
    }
    return !x && !y;
}

bool case_same_but_expect(const struct yaml_tree *old, struct slice text, const bool *changed)
{
    struct yaml_tree tree;
    struct diags diags = {0};
    bool sound = yaml_tree_parse(old->file, text, &tree, &diags) == 0;
    if (sound) {
        sound = diags.count == 0 && tree.root && tree.root->kind == YAML_MAP && cases_of(&tree) &&
                same_trees(old, &tree, changed);
        yaml_tree_finish(&tree);
    }
    diags_finish(&diags);
    return sound;
}
