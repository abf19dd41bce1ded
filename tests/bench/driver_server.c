// CPU from /proc/PID/stat, syncs and log bytes from the server's own /metrics, and bytes that
// really went to the device from /proc/diskstats. Not from /proc/PID/io: since the kernel writes
// whole large folios to ext4's page cache, its write_bytes counts megabytes for a 4 KiB write (seen
// on 6.18).
#include "tests/bench/driver_server.h"

#include "proto/base/arena.h"
#include "proto/base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SECTOR_BYTES = 512,
    SETTLE_TURNS = 200, // of 25 ms
};

static uint16_t free_port(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (descriptor < 0 ||
        bind(descriptor, (const struct sockaddr *)(const void *)&address, size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)(void *)&address, &size) != 0) {
        fail("no free port");
    }
    (void)close(descriptor);
    return ntohs(address.sin_port);
}

static void pause_ms(long milliseconds) {
    struct timespec pause = {.tv_nsec = milliseconds * 1000000};
    (void)nanosleep(&pause, NULL); // time is the subject: the pace of asking a starting server
}

static bool takes_connections(uint16_t port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int failed =
        connect(descriptor, (const struct sockaddr *)(const void *)&address, sizeof(address));
    (void)close(descriptor);
    return failed == 0;
}

// What a node of several is told beside its port and store: the list, and the file of the secret.
struct members {
    char list[NODES_MAX * 32];
    char key[4096];
};

static struct members members_make(const struct server *server) {
    struct members members = {.list = ""};
    size_t used = 0;
    for (size_t i = 0; i < server->nodes; i++) {
        int added = snprintf(
            members.list + used,
            sizeof(members.list) - used,
            "%s%zu=127.0.0.1:%u",
            i == 0 ? "" : ",",
            i + 1,
            free_port()
        );
        used += (size_t)added;
    }
    (void)snprintf(members.key, sizeof(members.key), "%s.key", server->folder);
    FILE *file = fopen(members.key, "w");
    check(file != NULL);
    (void)fprintf(file, "a secret of a bench, which is none: 0123456789\n");
    (void)fclose(file);
    return members;
}

static _Noreturn void
serve(const struct server *server, size_t index, const struct members *members) {
    char http[64];
    char log[4096];
    char store[4096];
    char number[32];
    (void)snprintf(http, sizeof(http), "127.0.0.1:%u", server->ports[index]);
    (void)snprintf(log, sizeof(log), "%s-%zu.log", server->folder, index + 1);
    (void)snprintf(number, sizeof(number), "%zu", index + 1);
    (void
    )snprintf(store, sizeof(store), server->nodes > 1 ? "%s/%zu" : "%s", server->folder, index + 1);
    int descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (descriptor >= 0) {
        (void)dup2(descriptor, STDOUT_FILENO);
        (void)dup2(descriptor, STDERR_FILENO);
    }
    const char *program = server->program;
    if (server->nodes > 1) {
        (void)execl(
            program,
            program,
            "serve",
            "--http",
            http,
            "--store",
            store,
            "--node-id",
            number,
            "--cluster",
            members->list,
            "--cluster-key",
            members->key,
            (char *)NULL
        );
    } else {
        (void)execl(program, program, "serve", "--http", http, "--store", store, (char *)NULL);
    }
    _exit(127);
}

void server_start(struct server *server) {
    server->nodes = server->nodes == 0 ? 1 : server->nodes;
    struct members members = members_make(server);
    (void)mkdir(server->folder, 0700);
    server->started_ns = now_ns();
    for (size_t i = 0; i < server->nodes; i++) {
        server->ports[i] = free_port();
        server->pids[i] = fork();
        if (server->pids[i] == 0) {
            serve(server, i, &members);
        }
        check(server->pids[i] > 0);
    }
    server->port = server->ports[0];
    for (size_t i = 0; i < server->nodes; i++) {
        while (!takes_connections(server->ports[i])) {
            if (waitpid(server->pids[i], NULL, WNOHANG) != 0) {
                errno = 0;
                fail("the server ended at once; its log lies beside its folder");
            }
            pause_ms(1);
        }
    }
}

void server_kill(struct server *server) {
    for (size_t i = 0; i < server->nodes; i++) {
        (void)kill(server->pids[i], SIGKILL);
        (void)waitpid(server->pids[i], NULL, 0);
    }
}

// --- figures
// ------------------------------------------------------------------------------------------

// The content of a small file, zero-terminated. Empty when there is none.
static void file_read(const char *path, char *out_text, size_t size) {
    int descriptor = open(path, O_RDONLY);
    size_t used = 0;
    ssize_t got = 1;
    while (descriptor >= 0 && got > 0 && used + 1 < size) {
        got = read(descriptor, out_text + used, size - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    out_text[used] = 0;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

// Of a process and all its threads; -1: it is gone.
static int64_t process_cpu_us(long pid) {
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    file_read(path, text, sizeof(text));
    const char *field = strrchr(text, ')'); // the name before may hold anything
    for (int i = 0; field != NULL && i < 12; i++) {
        field = strchr(field + 1, ' ');
    }
    if (field == NULL) {
        return -1;
    }
    char *rest = NULL;
    int64_t user = strtoll(field, &rest, 10);
    int64_t system = strtoll(rest, NULL, 10);
    return (user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

int64_t server_cpu_us(const struct server *server) {
    int64_t sum_us = 0;
    for (size_t i = 0; i < server->nodes; i++) {
        int64_t cpu_us = process_cpu_us(server->pids[i]);
        if (cpu_us < 0) {
            fail("the server is gone");
        }
        sum_us += cpu_us;
    }
    return sum_us;
}

int64_t server_children_cpu_us(const struct server *server) {
    char path[64];
    char text[1024];
    int64_t sum_us = 0;
    (void)snprintf(
        path, sizeof(path), "/proc/%d/task/%d/children", (int)server->pids[0], (int)server->pids[0]
    );
    file_read(path, text, sizeof(text));
    char *at = text;
    for (long pid = strtol(at, &at, 10); pid > 0; pid = strtol(at, &at, 10)) {
        int64_t cpu_us = process_cpu_us(pid);
        sum_us += cpu_us > 0 ? cpu_us : 0;
    }
    return sum_us;
}

uint64_t server_resident_bytes(const struct server *server) {
    char path[64];
    char text[4096];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)server->pids[0]);
    file_read(path, text, sizeof(text));
    const char *line = strstr(text, "VmRSS:");
    return line == NULL ? 0 : strtoull(line + strlen("VmRSS:"), NULL, 10) * 1024;
}

static uint64_t device_bytes(const char *folder) {
    struct stat status;
    if (stat(folder, &status) != 0) {
        return 0;
    }
    FILE *file = fopen("/proc/diskstats", "r");
    uint64_t bytes_written = 0;
    char line[512];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        uint64_t device_major = strtoull(rest, &rest, 10);
        uint64_t device_minor = strtoull(rest, &rest, 10);
        if (device_major != major(status.st_dev) || device_minor != minor(status.st_dev)) {
            continue;
        }
        rest += strspn(rest, " ");
        rest += strcspn(rest, " "); // the name
        for (int field = 0; field < 6; field++) {
            (void)strtoull(rest, &rest, 10);
        }
        bytes_written = strtoull(rest, NULL, 10) * SECTOR_BYTES;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes_written;
}

static uint64_t figure(const char *metrics, const char *name) {
    char line[128];
    (void)snprintf(line, sizeof(line), "\norpheus_%s ", name);
    const char *found = strstr(metrics, line);
    if (found == NULL) {
        errno = 0;
        fail("/metrics lacks a figure that the bench reads");
    }
    return strtoull(found + strlen(line), NULL, 10);
}

uint64_t server_figure(const struct server *server, struct client *client, const char *name) {
    uint64_t sum = 0;
    struct arena *arena = arena_create(65536);
    for (size_t i = 0; i < server->nodes; i++) {
        bytes body = BYTES_EMPTY;
        (void
        )client_ask(client, client_connection(client, i), "GET", "/metrics", BYTES_EMPTY, &body);
        sum += figure(arena_text(arena, body), name);
    }
    arena_destroy(&arena);
    return sum;
}

// Adds what the node of that connection says, once all its state is checkpointed.
static void cost_ask(struct client *client, struct connection *connection, struct cost *cost) {
    struct arena *arena = arena_create(65536);
    const char *metrics = "";
    for (int turn = 0; turn < SETTLE_TURNS; turn++) {
        bytes body = BYTES_EMPTY;
        (void)client_ask(client, connection, "GET", "/metrics", BYTES_EMPTY, &body);
        arena_reset(arena);
        metrics = arena_text(arena, body);
        if (figure(metrics, "overlay_bytes") == 0) {
            break;
        }
        pause_ms(25);
    }
    cost->syncs += figure(metrics, "log_syncs_total");
    cost->log_bytes += figure(metrics, "log_bytes_total");
    cost->state_bytes += figure(metrics, "checkpoint_bytes_total");
    cost->entries += figure(metrics, "entries_total");
    cost->updates += figure(metrics, "tasks_updated_total");
    arena_destroy(&arena);
}

struct cost server_cost(const struct server *server, struct client *client) {
    struct cost cost = {0};
    for (size_t i = 0; i < server->nodes; i++) {
        cost_ask(client, client_connection(client, i), &cost);
    }
    sync();
    cost.cpu_us = server_cpu_us(server);
    cost.device_bytes = device_bytes(server->folder);
    return cost;
}

struct cost cost_since(const struct cost *later, const struct cost *earlier) {
    return (struct cost){
        .cpu_us = later->cpu_us - earlier->cpu_us,
        .syncs = later->syncs - earlier->syncs,
        .log_bytes = later->log_bytes - earlier->log_bytes,
        .state_bytes = later->state_bytes - earlier->state_bytes,
        .entries = later->entries - earlier->entries,
        .updates = later->updates - earlier->updates,
        .device_bytes = later->device_bytes - earlier->device_bytes,
    };
}
