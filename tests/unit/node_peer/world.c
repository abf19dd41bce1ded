#include "tests/unit/node_peer/world.h"

#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char KEY[] = "the key of a test, long enough";

static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(close(fd), 0);
    return ntohs(address.sin_port);
}

void world_init(struct world *world) {
    for (uint32_t at = 0; at < 2; at++) {
        (void)snprintf(
            world->addresses[at],
            sizeof(world->addresses[at]),
            "127.0.0.1:%u",
            (unsigned)free_port()
        );
        world->members[at] =
            (struct peers_member){.node_id = at + 1, .address = world->addresses[at]};
    }
}

struct peers_options world_options(const struct world *world, uint32_t self, uint64_t incarnation) {
    return (struct peers_options){
        .self_id = self,
        .members = world->members,
        .member_count = 2,
        .cluster_id = {{1, 2, 3}},
        .store_uuid = {{9, (uint8_t)self}},
        .incarnation = incarnation,
        .release_low = 1,
        .release_high = 1,
        .release = "test",
        .key = bytes_from_text(KEY),
    };
}

mono_time world_now(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (mono_time){(int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
}

void world_open(struct world_node *node, const struct peers_options *options) {
    struct arena *arena = arena_create(1024);
    memset(node, 0, sizeof(*node));
    assert_ok(peers_create(options, arena, &node->peers));
    arena_destroy(&arena);
}

static void take_in(struct world_node *node, const struct peer_event *event) {
    switch (event->kind) {
    case PEER_UP:
        node->ups++;
        node->incarnation = event->incarnation;
        break;
    case PEER_DOWN:
        node->downs++;
        break;
    case PEER_MESSAGE:
        assert_int_equal(node->ups, node->downs + 1);
        node->messages++;
        node->bytes += event->message.size;
        node->peer_class = event->peer_class;
        node->size = event->message.size;
        memset(node->first, 0, sizeof(node->first));
        memcpy(
            node->first,
            event->message.data,
            event->message.size < sizeof(node->first) ? event->message.size : sizeof(node->first)
        );
        if (node->echoes) {
            (void)peers_send(node->peers, event->node, event->peer_class, event->message);
        }
        break;
    }
}

void world_turn(struct world_node *node, int wait_ms) {
    struct pollfd watched = {.fd = peers_fd(node->peers), .events = POLLIN};
    int64_t due_ms = (peers_next_wakeup(node->peers).ns - world_now().ns) / 1000000 + 1;
    int64_t wait = due_ms < 0 ? 0 : due_ms < wait_ms ? due_ms : wait_ms;
    (void)poll(&watched, 1, (int)wait);
    peers_pump(node->peers, world_now());
    struct peer_event event;
    while (peers_next(node->peers, &event)) {
        take_in(node, &event);
    }
}

void world_until(
    struct world_node *node, struct world_node *other, bool (*condition)(const struct world_node *)
) {
    int64_t end = world_now().ns + (int64_t)WORLD_PATIENCE_MS * 1000000;
    while (!condition(node)) {
        if (world_now().ns > end) {
            struct peer_status status;
            assert_true(peers_status(node->peers, 0, &status));
            fail_msg("patience ended; link %s, fault '%s'", status.state, status.last_fault);
        }
        world_turn(node, other != NULL ? 1 : 50);
        if (other != NULL) {
            world_turn(other, 1);
        }
    }
}

pid_t world_spawn(const char *program, const struct world *world, uint64_t incarnation) {
    extern char **environ;
    char number[24];
    pid_t pid = 0;
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)incarnation);
    char name[] = "test_peers";
    char mode[] = "child";
    char first[32];
    char second[32];
    memcpy(first, world->addresses[0], sizeof(first));
    memcpy(second, world->addresses[1], sizeof(second));
    char *arguments[] = {name, mode, first, second, number, NULL};
    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, arguments, environ), 0);
    return pid;
}

void world_child(char **arguments) {
    struct world world = {0};
    for (uint32_t at = 0; at < 2; at++) {
        world.members[at] = (struct peers_member){.node_id = at + 1, .address = arguments[2 + at]};
    }
    struct peers_options options = world_options(&world, 1, strtoull(arguments[4], NULL, 10));
    struct world_node node;
    world_open(&node, &options);
    node.echoes = true;
    for (;;) {
        world_turn(&node, 1000);
        if (getppid() == 1) {
            exit(0); // its test is gone
        }
    }
}
