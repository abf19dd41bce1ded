// orpheus-evaluator: runs the scripts of workflows outside the server. Started by node/eval/pool.h
// with pipes as standard input and output and an empty environment; of no use to a person.
#include "node/eval/evaluator/evaluate.h"
#include "node/eval/evaluator/sandbox.h"
#include "node/eval/evaluator/serve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 64
};

// Exit status 0: the sandbox holds.
static int check_sandbox(void) {
    if (err_is(sandbox_enter())) {
        return SERVE_EXIT_REFUSED;
    }
    return sandbox_holds() ? 0 : 1;
}

// What ends inside the sandbox ends without exit handlers: they would want to leave it.
int main(int argument_count, char **arguments) {
    const char *verb = argument_count == 2 ? arguments[1] : "";
    if (strcmp(verb, "javascript") == 0) {
        _exit(serve(EVALUATION_JAVASCRIPT));
    }
    if (strcmp(verb, "jq") == 0) {
        _exit(serve(EVALUATION_JQ));
    }
    if (strcmp(verb, "check-sandbox") == 0) {
        _exit(check_sandbox());
    }
    (void)fputs("usage: orpheus-evaluator javascript|jq, started by the server\n", stderr);
    return EXIT_USAGE;
}
