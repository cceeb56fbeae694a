#include "cli/case_json.h"

static json_t *text_of(const struct yaml_node *node)
{
    if (node->plain && yaml_is_null(node))
        return json_null();
    json_t *word = node->plain ? json_loadb(node->text.data, node->text.len, JSON_DECODE_ANY, NULL) : NULL;
    if (word && (json_is_number(word) || json_is_boolean(word)))
        return word;
    json_decref(word);
    return json_stringn(node->text.data, node->text.len);
}

static json_t *list_of(const struct yaml_node *node)
{
    json_t *list = json_array();
    const struct yaml_node *child;
    STAILQ_FOREACH (child, &node->children, next) {
        if (json_array_append_new(list, case_json(child)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *map_of(const struct yaml_node *node)
{
    json_t *map = json_object();
    const struct yaml_node *child;
    STAILQ_FOREACH (child, &node->children, next) {
        if (json_object_set_new(map, child->key->text.data, case_json(child)) != 0) {
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

json_t *case_json(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_LIST:
        return list_of(node);
    case YAML_MAP:
        return map_of(node);
    case YAML_TEXT:
        break;
    }
    return text_of(node);
}

static bool lists_equal(const json_t *a, const json_t *b)
{
    size_t i = 0, count = json_array_size(a);
    if (json_array_size(b) != count)
        return false;
    while (i < count && case_json_equal(json_array_get(a, i), json_array_get(b, i)))
        i++;
    return i == count;
}

static bool maps_equal(json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach(a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !case_json_equal(value, other))
            return false;
    }
    return true;
}

bool case_json_equal(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b))
        return lists_equal(a, b);
    if (json_is_object(a) && json_is_object(b))
        return maps_equal((json_t *)a, b);
    return json_equal(a, b);
}
