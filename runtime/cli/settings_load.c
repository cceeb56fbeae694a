#include "cli/settings.h"

#include "cli/complain.h"
#include "dispatcher/freeze.h"
#include "manifest/manifest.h"
#include "shared/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char system_config[] = "/etc/hark/hark.yaml";

static const char *config_path(const struct options *o)
{
    if (o->config)
        return o->config;
    bool has_folder = o->argument_count > 0 || o->manifests;
    return !has_folder && access(system_config, F_OK) == 0 ? system_config : NULL;
}

static int exit_code_of(int error)
{
    return error == -EACCES || error == -EPERM ? EX_NOPERM : EX_DATAERR;
}

int settings_load_config(const char *path, struct node_config **ret_config)
{
    struct diags diags = {0};
    struct diag diag = {0};
    struct frozen text;
    int error = freeze_file(path, "hark.yaml", MANIFEST_BYTES_MAX, &text, &diag);
    if (error < 0) {
        log_error("%s: %s", path, diag.text);
        return exit_code_of(error);
    }
    error = node_config_parse(path, slice_make(text.data, text.len), ret_config, &diags);
    freeze_finish(&text);
    complain_all(&diags);
    diags_finish(&diags);
    return error < 0 ? EX_DATAERR : 0;
}

static int read_password(struct settings_broker *b)
{
    char *secret;
    struct diag diag = {0};
    if (!b->password_file)
        return 0;
    int error = node_config_read_secret(b->password_file, &secret, &diag);
    if (error < 0) {
        complain(&diag);
        return exit_code_of(error);
    }
    b->url.has_password = true;
    snprintf(b->url.password, sizeof b->url.password, "%s", secret);
    explicit_bzero(secret, strlen(secret));
    free(secret);
    return 0;
}

static int read_passwords(struct settings *s)
{
    int code = 0;
    for (size_t i = 0; i < s->broker_count && code == 0; i++)
        code = read_password(&s->brokers[i]);
    return code;
}

/* ps(1) and /proc/PID/cmdline show arguments to everybody: what stands for a password is crossed out. */
static void cross_out_password(char *url)
{
    char *start = url ? strstr(url, "://") : NULL;
    if (!start)
        return;
    start += 3;
    char *end = start + strcspn(start, "/?#");
    char *at = memrchr(start, '@', (size_t)(end - start));
    char *colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
    if (colon)
        memset(colon + 1, 'x', (size_t)(at - colon - 1));
}

static void forget_environment(char *broker)
{
    if (!broker)
        return;
    explicit_bzero(broker, strlen(broker));
    unsetenv("HARK_BROKER");
}

static int resolve(struct options *o, const struct node_config *config, struct settings *ret_settings)
{
    char host[HOST_NAME_MAX + 1] = "";
    struct diag diag = {0};
    gethostname(host, sizeof host - 1);
    char *broker = getenv("HARK_BROKER");
    const struct surroundings s = {.broker = broker,
                                   .state_home = getenv("XDG_STATE_HOME"),
                                   .home = getenv("HOME"),
                                   .host = host,
                                   .is_root = geteuid() == 0};
    int code = settings_resolve(o, &s, config, ret_settings, &diag);
    forget_environment(broker);
    cross_out_password(o->broker);
    if (code != 0)
        complain(&diag);
    return code;
}

int settings_load(struct options *o, struct settings *ret_settings)
{
    struct node_config *config = NULL;
    const char *path = config_path(o);
    int code = path ? settings_load_config(path, &config) : 0;
    if (code == 0)
        code = resolve(o, config, ret_settings);
    node_config_free(config);
    if (code == 0 && (code = read_passwords(ret_settings)) != 0)
        settings_finish(ret_settings);
    return code;
}
