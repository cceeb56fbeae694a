/* shell_test.c: the scripts of `hark completion` work in their shells. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 256, SCRIPT_BYTES = 4096 };

static const char *script_of(const char *shell)
{
    struct outcome o = hark_command("completion", shell);
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
    return o.out;
}

/* The script as a file, for the shell to load. */
static const char *script_file(const char *shell)
{
    const char *path = path_in(folder_create(), shell);
    file_print(path, "%s", script_of(shell));
    return path;
}

/* In a home of the test's own: a shell keeps things there. */
static struct outcome shell_run(const char *shell, const char *script, const char *argument)
{
    char home[LINE_BYTES];
    snprintf(home, sizeof home, "HOME=%s", folder_create());
    const char *const argv[] = {shell, "-c", script, argument, argument, NULL};
    return command_run(&(struct process_options){.name = shell, .argv = argv, .environment = home});
}

static bool is_installed(const char *shell)
{
    char script[LINE_BYTES];
    snprintf(script, sizeof script, "command -v %s", shell);
    return shell_run("sh", script, "").code == 0;
}

static void skip_without(const char *shell)
{
    if (is_installed(shell))
        return;
    print_message("%s is not installed here\n", shell);
    skip();
}

static void another_shell_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("completion"), USAGE, "bash, zsh or fish");
    assert_refused(hark_command("completion", "tcsh"), USAGE, "bash, zsh or fish");
}

/* What bash offers for these words, the last of which is being typed: one a line. */
static const char *bash_offers(const char *words)
{
    char script[SCRIPT_BYTES];
    snprintf(script, sizeof script,
             "cd \"${1%%/*}\" && mkdir -p folder && touch file && . \"$1\" && COMP_WORDS=(%s) && "
             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _hark && "
             "printf '%%s\\n' \"${COMPREPLY[@]}\" | sort",
             words);
    struct outcome o = shell_run("bash", script, script_file("bash"));
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
    return o.out;
}

static void bash_completes_commands_and_options(void **unused)
{
    (void)unused;
    skip_without("bash");
    assert_string_equal(bash_offers("hark inv"), "invoke\n");
    assert_string_equal(bash_offers("hark invoke --pay"), "--payload\n--payload-file\n");
    assert_string_equal(bash_offers("hark doctor --pay"), "\n");
    assert_string_equal(bash_offers("hark help inv"), "invoke\n");
    assert_string_equal(bash_offers("hark --ver"), "--version\n");
}

static void bash_completes_words_and_files(void **unused)
{
    (void)unused;
    skip_without("bash");
    assert_string_equal(bash_offers("hark dead ''"), "list\npurge\nredrive\nshow\n");
    assert_string_equal(bash_offers("hark dead list ''"), "\n");
    assert_string_equal(bash_offers("hark completion b"), "bash\n");
    assert_string_equal(bash_offers("hark run --insecure land"), "landlock\n");
    assert_string_equal(bash_offers("hark run --insecure = land"), "landlock\n");
    assert_string_equal(bash_offers("hark new --lang c"), "c\ncpp\n");
    assert_string_equal(bash_offers("hark run f"), "folder\n");
    assert_string_equal(bash_offers("hark invoke f"), "file\nfolder\n");
    assert_string_equal(bash_offers("hark run --config ="), "bash\nfile\nfolder\n");
    assert_string_equal(bash_offers("hark invoke --payload f"), "\n");
}

/* Each is one that the command knows: it is refused for the arguments that no word takes together. */
static void the_words_of_a_command_are_those_it_knows(void **unused)
{
    (void)unused;
    skip_without("bash");
    char *words = strdup(bash_offers("hark dead ''")), *rest = NULL;
    assert_non_null(words);
    for (char *word = strtok_r(words, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest)) {
        char refusal[LINE_BYTES];
        snprintf(refusal, sizeof refusal, "hark dead %s: ", word);
        assert_refused(hark_command("dead", word, "--function", "f", "ID"), USAGE, refusal);
    }
    free(words);
}

static void fish_completes_commands_options_and_words(void **unused)
{
    (void)unused;
    skip_without("fish");
    const char *path = script_file("fish");
    static const char *const lines[][2] = {{"hark inv", "invoke\n"},
                                           {"hark invoke --payload-", "--payload-file\n"},
                                           {"hark dead re", "redrive\n"},
                                           {"hark dead redrive re", ""},
                                           {"hark run --insecure landl", "landlock\n"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char script[SCRIPT_BYTES];
        snprintf(script, sizeof script,
                 "source '%s'; complete -C '%s' | "
                 "string replace -r '\\t.*' ''; true",
                 path, lines[i][0]);
        struct outcome o = shell_run("fish", script, path);
        assert_string_equal(o.err, "");
        assert_string_equal(o.out, lines[i][1]);
    }
}

/* zsh completes in its line editor only: a terminal, and keys that are pressed. */
static void zsh_completes_commands_options_and_words(void **unused)
{
    (void)unused;
    skip_without("zsh");
    static const char script[] = "export TERM=xterm; zmodload zsh/zpty\n"
                                 "zpty z 'zsh -f -i'\n"
                                 "zpty -w z \"autoload -Uz compinit; compinit -u -D; source '$1'; "
                                 "unset zle_bracketed_paste; print LOA''DED\"\n"
                                 "zpty -r z out '*LOADED*'\n"
                                 "zpty -n -w z $'hark inv\\t'; zpty -r z out '*hark invoke*'\n"
                                 "zpty -n -w z $'--payload-\\t'; zpty -r z out '*--payload-file*'\n"
                                 "zpty -n -w z $'\\025hark dead red\\t'; zpty -r z out '*dead redrive*'\n"
                                 "print complete\n";
    struct outcome o = shell_run("zsh", script, script_file("zsh"));
    assert_string_equal(o.err, "");
    assert_string_equal(o.out, "complete\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(another_shell_is_a_usage_error),
        system_test(bash_completes_commands_and_options),
        system_test(bash_completes_words_and_files),
        system_test(the_words_of_a_command_are_those_it_knows),
        system_test(fish_completes_commands_options_and_words),
        system_test(zsh_completes_commands_options_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
