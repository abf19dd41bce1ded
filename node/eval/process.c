// posix_spawn, because the server has threads and a network library that may not see a fork.
#include "node/eval/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    // Of 19: a script that runs long may not hold up the server on a busy machine.
    NICE_OF_SLOW = 10
};

static int spawn(const char *program, const char *verb, int socket, pid_t *out_pid) {
    char name[] = "orpheus-evaluator";
    char language[16] = {0};
    for (size_t i = 0; verb[i] != '\0' && i + 1 < sizeof(language); i++) {
        language[i] = verb[i];
    }
    char *arguments[] = {name, language, NULL};
    char *environment[] = {NULL};
    sigset_t none;
    sigset_t handled;
    (void)sigemptyset(&none);
    (void)sigfillset(&handled);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) {
        return status;
    }
    status = posix_spawnattr_init(&attributes);
    if (status == 0) {
        (void)posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
        (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &handled);
        status = posix_spawn(out_pid, program, &actions, &attributes, arguments, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return status;
}

err process_start(
    const char *program, enum evaluation_language language, pid_t *out_pid, int *out_socket
) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return err_make(ERR_IO, "no socket for an evaluator");
    }
    const char *verb = language == EVALUATION_JQ ? "jq" : "javascript";
    pid_t pid = -1;
    int status = spawn(program, verb, ends[1], &pid);
    (void)close(ends[1]);
    if (status != 0) {
        (void)close(ends[0]);
        return err_make(ERR_IO, "the evaluator program cannot be started");
    }
    *out_pid = pid;
    *out_socket = ends[0];
    return ERR_NONE;
}

void process_yield(pid_t pid) {
    (void)setpriority(PRIO_PROCESS, (id_t)pid, NICE_OF_SLOW);
}

void process_kill(pid_t pid) {
    (void)kill(pid, SIGKILL);
}

bool process_reap(pid_t pid) {
    return waitpid(pid, NULL, WNOHANG) != 0;
}

void process_await(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}
