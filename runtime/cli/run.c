/* run.c: `hark run`: watch a folder, connect, serve. */
#include "cli/commands.h"
#include "cli/serve.h"

static int run(struct options *o)
{
    struct serve serve;
    struct settings settings;
    int code = serve_init(&serve, o); /* the zygote is there before any credential is read */
    if (code != 0)
        return code;
    code = settings_load(o, &settings);
    if (code == 0)
        code = serve_run(&serve, &settings, NULL, NULL);
    serve_finish(&serve);
    return code;
}

const struct command command_run = {
    .name = "run",
    .arguments = "[DIR]",
    .summary = "watch a folder of functions, connect to the broker, serve",
    .help =
        "Deploys every manifest (*.yaml) in DIR (default: the current folder) and what appears, changes or "
        "goes\n"
        "there later. Says 'hark: ready: N functions' on standard error once all are subscribed. SIGTERM, "
        "SIGINT,\n"
        "SIGHUP and SIGQUIT finish what runs, for at most --drain; a second one ends at once.\n\n"
        "Flags win over HARK_BROKER, that over hark.yaml, that over the defaults: mqtt://127.0.0.1:1883, "
        "the\n"
        "host's name, and for state /var/lib/hark (root), $XDG_STATE_HOME/hark or ~/.local/state/hark. "
        "Without\n"
        "--config, /etc/hark/hark.yaml is read where it exists and no folder is given. A password belongs "
        "into\n"
        "the password_file of a broker in hark.yaml: one in --broker can be seen by others for a moment.\n\n"
        "Functions run sealed: see 'hark doctor'. When hark is root they run as another user: --user, else "
        "hark\n"
        "if there is one, else nobody.\n\n"
        "Exit codes: 0 stopped, 64 usage, 65 bad settings or no such folder, 70 internal, 77 not permitted, "
        "or the\n"
        "seal does not hold.\n",
    .examples = "Serve the functions of a folder, as a gateway does:\n"
                "  hark run --broker mqtts://gateway@broker.example /var/lib/hark/functions\n",
    .takes = OPTION_BROKER | OPTION_CA_FILE | OPTION_CONFIG | OPTION_NODE | OPTION_STATE | OPTION_MANIFESTS |
             OPTION_FUNCTIONS | OPTIONS_SEAL | OPTION_DRAIN | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
