// Links over real sockets: nodes that talk, restart, die, stop, and strangers at the door.
#include "node/peer/address.h"
#include "proto/limits.h"
#include "tests/unit/node_peer/world.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

static bool is_up(const struct world_node *node) {
    return node->ups > node->downs;
}

static bool is_down(const struct world_node *node) {
    return node->ups == node->downs;
}

static bool came_up_twice(const struct world_node *node) {
    return node->ups == 2;
}

static bool heard_one(const struct world_node *node) {
    return node->messages >= 1;
}

static bool heard_hundred(const struct world_node *node) {
    return node->messages >= 100;
}

static struct peer_status status_of(const struct world_node *node) {
    struct peer_status status;
    assert_true(peers_status(node->peers, 0, &status));
    return status;
}

static bool is_refused(const struct world_node *node) {
    return status_of(node).last_fault[0] != '\0';
}

static void assert_echoed(struct world_node *node, struct world_node *other, size_t size) {
    uint8_t *data = malloc(size);
    assert_non_null(data);
    memset(data, (int)(size & 0xff), size);
    memcpy(data, "begins", 6 < size ? 6 : size);
    node->messages = 0;
    assert_true(peers_send(node->peers, 1, PEER_BULK, bytes_of(data, size)));
    world_until(node, other, heard_one);
    assert_int_equal(node->size, size);
    assert_int_equal(node->peer_class, PEER_BULK);
    assert_memory_equal(node->first, data, size < 16 ? size : 16);
    free(data);
}

static void two_nodes_exchange_messages_of_any_size(void **state) {
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct world world;
        struct world_node nodes[2];
        world_init(&world);
        for (uint32_t at = 0; at < 2; at++) {
            struct peers_options options = world_options(&world, at + 1, 1);
            options.plain = plain == 1;
            options.key = options.plain ? BYTES_EMPTY : options.key;
            world_open(&nodes[at], &options);
        }
        nodes[0].echoes = true;
        world_until(&nodes[1], &nodes[0], is_up);
        world_until(&nodes[0], &nodes[1], is_up);
        assert_echoed(&nodes[1], &nodes[0], 1);
        assert_echoed(&nodes[1], &nodes[0], 16 * 1024);
        assert_echoed(&nodes[1], &nodes[0], LIMIT_PEER_MESSAGE_BYTES);
        assert_bytes_text(status_of(&nodes[0]).release, "test");
        assert_int_equal(peers_stats(nodes[0].peers).frames_lost, 0);
        peers_destroy(&nodes[0].peers);
        world_until(&nodes[1], NULL, is_down);
        peers_destroy(&nodes[1].peers);
    }
}

static void a_restarted_node_comes_back_with_its_incarnation(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 10 + at);
        world_open(&nodes[at], &options);
    }
    world_until(&nodes[1], &nodes[0], is_up);
    // Its last words must not reach its successor.
    for (int at = 0; at < 100; at++) {
        (void)peers_send(nodes[1].peers, 1, PEER_URGENT, BYTES_LITERAL("for the one before"));
    }
    peers_destroy(&nodes[0].peers);
    struct peers_options options = world_options(&world, 1, 20);
    world_open(&nodes[0], &options);
    world_until(&nodes[1], &nodes[0], came_up_twice);
    world_until(&nodes[0], &nodes[1], is_up);
    assert_int_equal(nodes[1].incarnation, 20);
    assert_int_equal(nodes[0].messages, 0);
    peers_destroy(&nodes[0].peers);
    // The one from before is not let in again.
    options = world_options(&world, 1, 10);
    world_open(&nodes[0], &options);
    world_until(&nodes[1], &nodes[0], is_refused);
    assert_string_equal(status_of(&nodes[1]).last_fault, "incarnation");
    assert_true(is_down(&nodes[1]));
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static void a_wrong_key_is_refused_by_both(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 1);
        options.key = at == 0 ? options.key : BYTES_LITERAL("another key, long enough as well");
        world_open(&nodes[at], &options);
    }
    world_until(&nodes[0], &nodes[1], is_refused);
    world_until(&nodes[1], &nodes[0], is_refused);
    assert_int_equal(nodes[0].ups + nodes[1].ups, 0);
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

// The cluster's version rose while this process ran: an older release is not let in any more.
static void a_release_that_was_left_behind_is_refused(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    struct peers_options options = world_options(&world, 1, 1);
    options.release_high = 2;
    world_open(&nodes[0], &options);
    options = world_options(&world, 2, 1);
    world_open(&nodes[1], &options);
    world_until(&nodes[0], &nodes[1], is_up);
    peers_require_release(nodes[0].peers, 2);
    assert_true(is_up(&nodes[0])); // who is there stays
    peers_destroy(&nodes[1].peers);
    world_until(&nodes[0], NULL, is_down);
    options = world_options(&world, 2, 2);
    world_open(&nodes[1], &options);
    world_until(&nodes[0], &nodes[1], is_refused);
    assert_string_equal(status_of(&nodes[0]).last_fault, "release");
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static void a_killed_process_is_down_at_once(void **state) {
    (void)state;
    struct world world;
    struct world_node node;
    world_init(&world);
    struct peers_options options = world_options(&world, 2, 1);
    world_open(&node, &options);
    pid_t pid = world_spawn(program, &world, 1);
    world_until(&node, NULL, is_up);
    assert_echoed(&node, NULL, 100);
    mono_time killed = world_now();
    assert_int_equal(kill(pid, SIGKILL), 0);
    world_until(&node, NULL, is_down);
    print_message("down %.1f ms after kill -9\n", (double)(world_now().ns - killed.ns) / 1e6);
    assert_int_equal(peers_stats(node.peers).silences, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    mono_time spawned = world_now();
    pid = world_spawn(program, &world, 2);
    world_until(&node, NULL, is_up);
    print_message("up %.1f ms after its start\n", (double)(world_now().ns - spawned.ns) / 1e6);
    assert_int_equal(node.incarnation, 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    peers_destroy(&node.peers);
}

static void a_stopped_process_is_silent_and_comes_back(void **state) {
    (void)state;
    struct world world;
    struct world_node node;
    world_init(&world);
    struct peers_options options = world_options(&world, 2, 1);
    world_open(&node, &options);
    pid_t pid = world_spawn(program, &world, 1);
    world_until(&node, NULL, is_up);
    mono_time stopped = world_now();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    world_until(&node, NULL, is_down);
    print_message("down %.1f ms after SIGSTOP\n", (double)(world_now().ns - stopped.ns) / 1e6);
    assert_int_equal(peers_stats(node.peers).silences, 1);
    assert_false(peers_send(node.peers, 1, PEER_BULK, BYTES_LITERAL("not now")));
    assert_int_equal(kill(pid, SIGCONT), 0);
    world_until(&node, NULL, is_up);
    assert_echoed(&node, NULL, 1000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    peers_destroy(&node.peers);
}

// A connection that is no node's.
static int connect_as_stranger(const struct world *world) {
    struct address address;
    assert_true(address_parse(world->addresses[1], &address));
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(address.port),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void strangers_do_not_keep_a_node_out(void **state) {
    (void)state;
    static const uint8_t RUBBISH[] = {0, 0, 0, 4, 'n', 'o', '\n', 0};
    static const uint8_t HUGE[] = {0xff, 0xff, 0xff, 0xff, 'O', 1, 1, 0};
    struct world world;
    struct world_node nodes[2];
    int strangers[3 * LIMIT_PEER_STRANGERS];
    world_init(&world);
    struct peers_options options = world_options(&world, 2, 1);
    world_open(&nodes[1], &options);
    for (int at = 0; at < 3 * LIMIT_PEER_STRANGERS; at++) {
        strangers[at] = connect_as_stranger(&world);
        if (at % 3 != 0) {
            const uint8_t *words = at % 3 == 1 ? RUBBISH : HUGE;
            assert_int_equal(send(strangers[at], words, sizeof(RUBBISH), MSG_NOSIGNAL), 8);
        }
        world_turn(&nodes[1], 1);
    }
    options = world_options(&world, 1, 1);
    world_open(&nodes[0], &options);
    world_until(&nodes[1], &nodes[0], is_up);
    int late = connect_as_stranger(&world);
    assert_int_equal(send(late, RUBBISH, sizeof(RUBBISH), MSG_NOSIGNAL), 8);
    nodes[0].echoes = true;
    assert_echoed(&nodes[1], &nodes[0], 100);
    assert_int_equal(nodes[1].ups, 1);
    assert_int_equal(close(late), 0);
    for (int at = 0; at < 3 * LIMIT_PEER_STRANGERS; at++) {
        assert_int_equal(close(strangers[at]), 0);
    }
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static bool is_refused_as_twice(const struct world_node *node) {
    return strcmp(status_of(node).last_fault, "twice") == 0;
}

static void a_second_process_of_a_node_is_sent_away(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    struct world_node second;
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 1);
        world_open(&nodes[at], &options);
    }
    world_until(&nodes[1], &nodes[0], is_up);
    struct peers_options options = world_options(&world, 1, 2);
    options.listen_host = "127.0.0.2"; // the first has the port
    world_open(&second, &options);
    world_until(&second, &nodes[1], is_refused);
    assert_string_equal(status_of(&second).last_fault, "refuses");
    world_until(&nodes[1], &second, is_refused_as_twice);
    assert_int_equal(nodes[1].ups, 1);
    assert_int_equal(nodes[1].downs, 0);
    peers_destroy(&second.peers);
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static void a_node_that_does_not_read_costs_bounded_memory(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 1);
        options.silence_ms = 60 * 1000;
        world_open(&nodes[at], &options);
    }
    world_until(&nodes[1], &nodes[0], is_up);
    world_until(&nodes[0], &nodes[1], is_up);
    uint8_t *data = calloc(1, 1024 * 1024);
    assert_non_null(data);
    int sent = 0;
    for (int at = 0; at < 300; at++) {
        sent += peers_send(nodes[1].peers, 1, PEER_BULK, bytes_of(data, 1024 * 1024)) ? 1 : 0;
        world_turn(&nodes[1], 1);
    }
    struct peer_status status = status_of(&nodes[1]);
    assert_in_range(status.queued_bytes[PEER_BULK], 1, LIMIT_PEER_BULK_BYTES);
    assert_int_equal(status.counters.dropped_full, 300 - sent);
    assert_in_range(sent, 31, 120); // its queue, our inbox, and what the kernel holds
    // What was taken arrives once it reads again.
    while (nodes[0].messages < (uint64_t)sent) {
        world_turn(&nodes[0], 1);
        world_turn(&nodes[1], 1);
    }
    assert_int_equal(nodes[0].bytes, (uint64_t)sent * 1024 * 1024);
    free(data);
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static void many_small_messages_share_frames(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 1);
        world_open(&nodes[at], &options);
    }
    world_until(&nodes[1], &nodes[0], is_up);
    world_until(&nodes[0], &nodes[1], is_up);
    for (int at = 0; at < 100; at++) {
        assert_true(peers_send(nodes[0].peers, 2, PEER_URGENT, BYTES_LITERAL("a hint")));
    }
    uint64_t before = peers_stats(nodes[0].peers).frames_sent;
    world_until(&nodes[1], &nodes[0], heard_hundred);
    assert_in_range(peers_stats(nodes[0].peers).frames_sent - before, 1, 5);
    // Who stops half-way is woken at once.
    assert_true(peers_send(nodes[0].peers, 2, PEER_URGENT, BYTES_LITERAL("one")));
    assert_true(peers_send(nodes[0].peers, 2, PEER_URGENT, BYTES_LITERAL("two")));
    struct peer_event event;
    do {
        world_turn(&nodes[0], 1);
        peers_pump(nodes[1].peers, world_now());
    } while (!peers_next(nodes[1].peers, &event));
    assert_int_equal(event.kind, PEER_MESSAGE);
    assert_true(peers_next_wakeup(nodes[1].peers).ns <= world_now().ns);
    assert_true(peers_next(nodes[1].peers, &event));
    assert_bytes_text(event.message, "two");
    assert_false(peers_next(nodes[1].peers, &event));
    assert_false(peers_send(nodes[0].peers, 9, PEER_URGENT, BYTES_LITERAL("nobody")));
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static bool is_told_it_is_no_member(const struct world_node *node) {
    return strcmp(status_of(node).last_fault, "refuses") == 0;
}

static void assert_added(struct world_node *node, const struct peers_member *member) {
    struct arena *arena = arena_create(1024);
    assert_ok(peers_add(node->peers, member, arena));
    arena_destroy(&arena);
}

// Node 2 begins alone; node 1, which dials, is added, removed and added again.
static void a_member_comes_and_goes_while_the_node_runs(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    struct peers_options options = world_options(&world, 1, 1);
    world_open(&nodes[0], &options);
    options = world_options(&world, 2, 1);
    options.members = &world.members[1];
    options.member_count = 1;
    world_open(&nodes[1], &options);
    world_until(&nodes[0], &nodes[1], is_told_it_is_no_member);
    assert_int_equal(nodes[0].ups + nodes[1].ups, 0);
    nodes[0].echoes = true;
    for (int times = 1; times <= 2; times++) {
        assert_added(&nodes[1], &world.members[0]);
        assert_added(&nodes[1], &world.members[0]); // again: nothing
        world_until(&nodes[1], &nodes[0], is_up);
        assert_echoed(&nodes[1], &nodes[0], 100);
        peers_remove(nodes[1].peers, 1);
        peers_remove(nodes[1].peers, 1);
        assert_false(peers_send(nodes[1].peers, 1, PEER_BULK, BYTES_LITERAL("to nobody")));
        world_until(&nodes[1], &nodes[0], is_down);
        world_until(&nodes[0], &nodes[1], is_down);
        world_turn(&nodes[1], 1);
        assert_int_equal(nodes[1].ups, times);
        assert_int_equal(nodes[1].downs, times);
        struct peer_status status;
        assert_false(peers_status(nodes[1].peers, 0, &status));
        world_until(&nodes[0], &nodes[1], is_told_it_is_no_member);
    }
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

static void a_dialled_member_moves_and_goes(void **state) {
    (void)state;
    struct world world;
    struct world_node nodes[2];
    struct arena *arena = arena_create(1024);
    const struct peers_member elsewhere = {2, "127.0.0.1:1"}; // nobody is there
    world_init(&world);
    struct peers_options options = world_options(&world, 1, 1);
    options.member_count = 1;
    world_open(&nodes[0], &options);
    options = world_options(&world, 2, 1);
    world_open(&nodes[1], &options);
    assert_added(&nodes[0], &elsewhere);
    world_turn(&nodes[0], 20);
    assert_added(&nodes[0], &world.members[1]);
    assert_string_equal(status_of(&nodes[0]).address, world.addresses[1]);
    world_until(&nodes[0], &nodes[1], is_up);
    // Moved while it is up: the connection stays.
    assert_added(&nodes[0], &elsewhere);
    world_turn(&nodes[0], 20);
    assert_int_equal(nodes[0].downs, 0);
    peers_remove(nodes[0].peers, 2);
    world_until(&nodes[1], &nodes[0], is_down);
    for (int turns = 0; turns < 10; turns++) {
        world_turn(&nodes[0], 20);
        world_turn(&nodes[1], 20);
    }
    assert_int_equal(nodes[0].ups, 1);
    assert_int_equal(nodes[0].downs, 1);
    const struct peers_member itself = {1, world.addresses[0]};
    const struct peers_member nowhere = {3, "nowhere"};
    assert_err(peers_add(nodes[0].peers, &itself, arena), ERR_INVALID);
    assert_err(peers_add(nodes[0].peers, &nowhere, arena), ERR_INVALID);
    arena_destroy(&arena);
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

// As a broken way: silence, no connection, and back when it is mended.
static void a_cut_way_is_silent_until_it_is_mended(void **state) {
    (void)state;
    static const uint32_t EACH_OTHER[2] = {2, 1};
    struct world world;
    struct world_node nodes[2];
    world_init(&world);
    for (uint32_t at = 0; at < 2; at++) {
        struct peers_options options = world_options(&world, at + 1, 1);
        world_open(&nodes[at], &options);
    }
    nodes[0].echoes = true;
    world_until(&nodes[1], &nodes[0], is_up);
    world_until(&nodes[0], &nodes[1], is_up);
    for (int at = 0; at < 2; at++) {
        peers_cut(nodes[at].peers, &EACH_OTHER[at], 1);
    }
    (void)peers_send(nodes[1].peers, 1, PEER_BULK, BYTES_LITERAL("lost on the way"));
    world_until(&nodes[1], &nodes[0], is_down);
    world_until(&nodes[0], &nodes[1], is_down);
    assert_int_equal(nodes[0].messages, 0);
    assert_true(peers_stats(nodes[1].peers).silences > 0);
    mono_time cut = world_now();
    while (world_now().ns - cut.ns < INT64_C(1000) * 1000 * 1000) {
        world_turn(&nodes[0], 20);
        world_turn(&nodes[1], 20);
    }
    assert_true(is_down(&nodes[0]) && is_down(&nodes[1]));
    for (int at = 0; at < 2; at++) {
        peers_cut(nodes[at].peers, NULL, 0);
    }
    world_until(&nodes[1], &nodes[0], is_up);
    world_until(&nodes[0], &nodes[1], is_up);
    assert_echoed(&nodes[1], &nodes[0], 100);
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
}

int main(int argument_count, char **arguments) {
    if (argument_count == 5) {
        world_child(arguments);
    }
    program = arguments[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nodes_exchange_messages_of_any_size),
        cmocka_unit_test(a_restarted_node_comes_back_with_its_incarnation),
        cmocka_unit_test(a_wrong_key_is_refused_by_both),
        cmocka_unit_test(a_release_that_was_left_behind_is_refused),
        cmocka_unit_test(a_killed_process_is_down_at_once),
        cmocka_unit_test(a_stopped_process_is_silent_and_comes_back),
        cmocka_unit_test(strangers_do_not_keep_a_node_out),
        cmocka_unit_test(a_second_process_of_a_node_is_sent_away),
        cmocka_unit_test(a_node_that_does_not_read_costs_bounded_memory),
        cmocka_unit_test(many_small_messages_share_frames),
        cmocka_unit_test(a_member_comes_and_goes_while_the_node_runs),
        cmocka_unit_test(a_dialled_member_moves_and_goes),
        cmocka_unit_test(a_cut_way_is_silent_until_it_is_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
