#include "cli/settings.h"

#include "manifest/node_keys.h"
#include "shared/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static bool is_node_letter(char c)
{
    return isascii(c) && (isalnum((unsigned char)c) || strchr("._-", c));
}

static bool node_valid(const char *node)
{
    size_t len = strlen(node);
    for (size_t i = 0; i < len; i++) {
        if (!is_node_letter(node[i]))
            return false;
    }
    return len >= 1 && len <= NODE_NAME_MAX && isalnum((unsigned char)node[0]);
}

void settings_node_from_host(const char *host, char node[NODE_NAME_MAX + 1])
{
    size_t used = 0;
    for (; *host && used < NODE_NAME_MAX; host++) {
        char c = is_node_letter(*host) ? *host : '-';
        if (used > 0 || isalnum((unsigned char)c))
            node[used++] = c;
    }
    node[used] = '\0';
    if (used == 0)
        memcpy(node, "hark", sizeof "hark");
}

char *settings_default_state(const struct surroundings *s)
{
    char *path = NULL;
    int length = 0;
    if (s->is_root)
        return must_strdup("/var/lib/hark");
    /* The XDG base directory specification: a relative path is to be ignored. */
    if (s->state_home && s->state_home[0] == '/')
        length = asprintf(&path, "%s/hark", s->state_home);
    else if (s->home && s->home[0] == '/')
        length = asprintf(&path, "%s/.local/state/hark", s->home);
    return length > 0 ? path : NULL;
}

static int resolve_node(const struct options *o, const struct surroundings *s,
                        const struct node_config *config, struct settings *ret, struct diag *diag)
{
    const char *node = o->node ? o->node : config ? config->node : NULL;
    if (!node) {
        settings_node_from_host(s->host ? s->host : "", ret->node);
        return 0;
    }
    if (!node_valid(node)) {
        diag_set(
            diag, NULL, 0, 0,
            "--node '%s': a letter or digit, then letters, digits, '.', '_' and '-' are needed, at most %d",
            node, NODE_NAME_MAX);
        return EX_USAGE;
    }
    memcpy(ret->node, node, strlen(node) + 1);
    return 0;
}

static char *copy_or_null(const char *text)
{
    return text ? must_strdup(text) : NULL;
}

int settings_resolve_folders(const struct options *o, const struct node_config *config, struct settings *ret,
                             struct diag *diag)
{
    const char *given = o->argument_count > 0 ? o->arguments[0] : o->manifests;
    if (o->argument_count > 0 && o->manifests) {
        diag_set(diag, NULL, 0, 0, "'%s' and --manifests both name the folder of manifests: give one",
                 o->arguments[0]);
        return EX_USAGE;
    }
    if (!given)
        given = config && config->manifests ? config->manifests : ".";
    ret->manifests = must_strdup(given);
    ret->functions = copy_or_null(o->functions ? o->functions : config ? config->functions : NULL);
    return 0;
}

static int resolve_state(const struct options *o, const struct surroundings *s,
                         const struct node_config *config, struct settings *ret, struct diag *diag)
{
    struct node_config standard = {0};
    keys_defaults(&node_keys, &standard);
    ret->dead_letters_max = (config ? config : &standard)->dead_letters_max;
    ret->dead_letters_bytes = (config ? config : &standard)->dead_letters_bytes;
    ret->state = o->state                  ? must_strdup(o->state)
                 : config && config->state ? must_strdup(config->state)
                                           : settings_default_state(s);
    if (ret->state)
        return 0;
    diag_set(diag, NULL, 0, 0,
             "neither XDG_STATE_HOME nor HOME says where state may be kept: give --state DIR");
    return EX_USAGE;
}

int settings_resolve(const struct options *o, const struct surroundings *s, const struct node_config *config,
                     struct settings *ret_settings, struct diag *diag)
{
    struct settings result = {0};
    int code = resolve_node(o, s, config, &result, diag);
    if (code == 0)
        code = settings_resolve_folders(o, config, &result, diag);
    if (code == 0)
        code = resolve_state(o, s, config, &result, diag);
    if (code == 0)
        code = settings_resolve_brokers(o, s, config, &result, diag);
    if (code == 0)
        *ret_settings = result;
    else
        settings_finish(&result);
    return code;
}

void settings_finish(struct settings *s)
{
    free(s->manifests);
    free(s->functions);
    free(s->state);
    settings_finish_brokers(s);
    explicit_bzero(s, sizeof *s);
}
