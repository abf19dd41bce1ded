// What the machine does without us: a write of one block with its sync, and an answer without work.
// Taken in every run, for a figure alone says as much about the disk and the neighbours as about
// the server.
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "tests/bench/driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 4096,
    FILE_BLOCKS = 1024,
};

struct server bench_server(const struct bench *bench, const char *name) {
    static char folder[4096]; // one server at a time
    (void)snprintf(folder, sizeof(folder), "%s/%s", bench->folder, name);
    struct server server = {.program = bench->program, .folder = folder, .nodes = bench->nodes};
    server_start(&server);
    return server;
}

static void ask_or_fail(struct client *client, const char *path, bytes body) {
    bytes answer = BYTES_EMPTY;
    int status = client_ask(client, client_connection(client, 0), "POST", path, body, &answer);
    // 409: of an earlier run with the same folder.
    if (status != 200 && status != 409) {
        (void)fprintf(stderr, "bench: POST %s: %d %.*s\n", path, status, BYTES_ARG(answer));
        fail("a definition is refused");
    }
}

void bench_define(struct client *client, const char *json) {
    ask_or_fail(client, "/api/metadata/workflow", bytes_from_text(json));
}

void bench_register(struct client *client, const char *name, int steps) {
    struct buffer body;
    buffer_init(&body, 1024 * 1024);
    buffer_format(
        &body,
        "[{\"name\":\"%s\",\"retryCount\":3,\"responseTimeoutSeconds\":60,\"timeoutSeconds\":0,"
        "\"ownerEmail\":\"bench@example.com\"}]",
        name
    );
    ask_or_fail(client, "/api/metadata/taskdefs", buffer_bytes(&body));
    buffer_clear(&body);
    buffer_format(
        &body,
        "{\"name\":\"%s\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":\"bench@example.com\","
        "\"timeoutSeconds\":0,\"tasks\":[",
        name
    );
    for (int step = 1; step <= steps; step++) {
        buffer_format(
            &body,
            "%s{\"name\":\"%s\",\"taskReferenceName\":\"step_%d\",\"type\":\"SIMPLE\","
            "\"inputParameters\":{\"n\":\"${workflow.input.n}\"}}",
            step == 1 ? "" : ",",
            name,
            step
        );
    }
    buffer_append_text(&body, "]}");
    ask_or_fail(client, "/api/metadata/workflow", buffer_bytes(&body));
    buffer_deinit(&body);
}

// --- the disk
// -----------------------------------------------------------------------------------------

static void block_write(int descriptor, size_t block) {
    static const uint8_t content[BLOCK_BYTES] = {1};
    if (pwrite(descriptor, content, BLOCK_BYTES, (off_t)(block * BLOCK_BYTES)) != BLOCK_BYTES) {
        fail("the baseline's file cannot be written");
    }
}

void baseline_sync(const struct server *server, size_t count, struct series *out_ns) {
    char path[4200];
    (void)snprintf(path, sizeof(path), "%s/baseline", server->folder);
    int descriptor = open(path, O_RDWR | O_CREAT, 0600);
    if (descriptor < 0) {
        fail(path);
    }
    // Written once before, so that a sync changes no metadata.
    for (size_t block = 0; block < FILE_BLOCKS; block++) {
        block_write(descriptor, block);
    }
    (void)fsync(descriptor);
    for (size_t i = 0; i < count; i++) {
        int64_t begun = now_ns();
        block_write(descriptor, i % FILE_BLOCKS);
        if (fdatasync(descriptor) != 0) {
            fail("fdatasync");
        }
        series_add(out_ns, now_ns() - begun);
    }
    (void)close(descriptor);
    (void)unlink(path);
}

// --- the front door
// -----------------------------------------------------------------------------------

struct health {
    struct series *ns;
    size_t left_to_send;
    size_t left_to_come;
};

static void health_send(struct health *health, struct connection *connection);

static void on_health(void *argument, struct connection *connection, int status, bytes body) {
    struct health *health = argument;
    (void)body;
    if (status != 200) {
        fail("GET /health was not answered with 200");
    }
    series_add(health->ns, now_ns() - connection_sent_ns(connection));
    health->left_to_come--;
    health_send(health, connection);
}

static void health_send(struct health *health, struct connection *connection) {
    if (health->left_to_send > 0) {
        health->left_to_send--;
        connection_send(connection, "GET", "/health", BYTES_EMPTY, on_health, health);
    }
}

double baseline_http(
    const struct server *server,
    struct client *client,
    size_t connections,
    size_t count,
    struct series *out_ns
) {
    struct health health = {.ns = out_ns, .left_to_send = count, .left_to_come = count};
    int64_t cpu_us = server_cpu_us(server);
    for (size_t i = 0; i < connections; i++) {
        health_send(&health, client_connection(client, i));
    }
    while (health.left_to_come > 0) {
        client_turn(client, 1000);
    }
    return (double)(server_cpu_us(server) - cpu_us) / (double)count;
}
