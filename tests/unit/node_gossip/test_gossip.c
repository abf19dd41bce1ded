// Gossip over UDP on loopback, and its seals: keys change without a stop, strangers are not heard.
#include "node/gossip/gossip.h"
#include "node/gossip/seal.h"
#include "proto/limits.h"
#include "tests/unit/golden.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    NODES = 3,
    PATIENCE_MS = 20 * 1000,
};

static const bytes OLD_KEY = {(const uint8_t *)"the key that goes, long enough", 30};
static const bytes NEW_KEY = {(const uint8_t *)"the key that comes, long enough", 31};

struct trio {
    char addresses[NODES][32];
    struct swim_seed members[NODES];
    struct gossip *nodes[NODES];
};

static mono_time now(void) {
    struct timespec at;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &at), 0);
    return (mono_time){(int64_t)at.tv_sec * 1000000000 + at.tv_nsec};
}

static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(close(fd), 0);
    return ntohs(address.sin_port);
}

static void trio_init(struct trio *trio) {
    memset(trio, 0, sizeof(*trio));
    for (uint32_t at = 0; at < NODES; at++) {
        (void)snprintf(
            trio->addresses[at], sizeof(trio->addresses[at]), "127.0.0.1:%u", (unsigned)free_port()
        );
        trio->members[at] = (struct swim_seed){.node_id = at + 1, .address = trio->addresses[at]};
    }
}

static void
start(struct trio *trio, uint32_t at, uint64_t incarnation, const bytes *keys, size_t key_count) {
    struct arena *arena = arena_create(1024);
    gossip_destroy(&trio->nodes[at]);
    assert_ok(gossip_create(
        &(struct gossip_options){
            .swim =
                {
                    .self_id = at + 1,
                    .incarnation = incarnation,
                    .members = trio->members,
                    .member_count = NODES,
                    .release_low = 1,
                    .release_high = 1,
                    .release = BYTES_LITERAL("test"),
                },
            .cluster_id = {{1}},
            .keys = keys,
            .key_count = key_count,
            .plain = key_count == 0,
        },
        now(),
        arena,
        &trio->nodes[at]
    ));
    arena_destroy(&arena);
}

static void trio_deinit(struct trio *trio) {
    for (int at = 0; at < NODES; at++) {
        gossip_destroy(&trio->nodes[at]);
    }
}

static bool all_believe(const struct trio *trio, uint32_t node, uint64_t incarnation) {
    for (size_t at = 0; at < NODES; at++) {
        struct swim_member member;
        if (trio->nodes[at] != NULL && at + 1 != node) {
            assert_true(gossip_member_at(trio->nodes[at], node - 1, &member));
            if (member.state != SWIM_ALIVE || member.incarnation != incarnation ||
                member.revision == 0) {
                return false;
            }
        }
    }
    return true;
}

static void turn(struct trio *trio) {
    struct pollfd watched[NODES];
    for (int at = 0; at < NODES; at++) {
        watched[at] = (struct pollfd
        ){.fd = trio->nodes[at] != NULL ? gossip_fd(trio->nodes[at]) : -1, .events = POLLIN};
    }
    (void)poll(watched, NODES, 5);
    for (int at = 0; at < NODES; at++) {
        struct swim_member member;
        if (trio->nodes[at] != NULL) {
            gossip_pump(trio->nodes[at], now());
            while (gossip_next(trio->nodes[at], &member)) {
            }
        }
    }
}

static void until_all_believe(struct trio *trio, uint32_t node, uint64_t incarnation) {
    int64_t end = now().ns + (int64_t)PATIENCE_MS * 1000000;
    while (!all_believe(trio, node, incarnation)) {
        assert_true(now().ns < end);
        turn(trio);
    }
}

static void three_nodes_find_each_other(void **state) {
    (void)state;
    for (size_t keys = 0; keys < 2; keys++) {
        struct trio trio;
        trio_init(&trio);
        for (uint32_t at = 0; at < NODES; at++) {
            start(&trio, at, 1, &OLD_KEY, keys);
        }
        for (uint32_t node = 1; node <= NODES; node++) {
            until_all_believe(&trio, node, 1);
        }
        assert_int_equal(gossip_stats(trio.nodes[0]).refused_seal, 0);
        trio_deinit(&trio);
    }
}

// Old key; old key and the new one opens; the new one seals; only the new one.
static void a_key_is_changed_node_by_node(void **state) {
    (void)state;
    const bytes steps[][2] = {{OLD_KEY, NEW_KEY}, {NEW_KEY, OLD_KEY}, {NEW_KEY}};
    static const size_t COUNTS[] = {2, 2, 1};
    struct trio trio;
    uint64_t incarnation = 1;
    trio_init(&trio);
    for (uint32_t at = 0; at < NODES; at++) {
        start(&trio, at, incarnation, &OLD_KEY, 1);
    }
    for (size_t step = 0; step < 3; step++) {
        incarnation++;
        for (uint32_t at = 0; at < NODES; at++) {
            start(&trio, at, incarnation, steps[step], COUNTS[step]);
            until_all_believe(&trio, at + 1, incarnation);
        }
    }
    for (int at = 0; at < NODES; at++) {
        assert_int_equal(gossip_stats(trio.nodes[at]).refused_seal, 0);
    }
    trio_deinit(&trio);
}

static void another_key_is_not_heard(void **state) {
    (void)state;
    struct trio trio;
    trio_init(&trio);
    start(&trio, 0, 1, &OLD_KEY, 1);
    start(&trio, 1, 1, &NEW_KEY, 1);
    int64_t end = now().ns + (int64_t)PATIENCE_MS * 1000000;
    while (gossip_stats(trio.nodes[0]).refused_seal == 0) {
        assert_true(now().ns < end);
        turn(&trio);
    }
    struct swim_member member;
    assert_true(gossip_member_at(trio.nodes[0], 1, &member));
    assert_int_equal(member.state, SWIM_UNKNOWN);
    trio_deinit(&trio);
}

// Whether a node knows of the third that it lives.
static bool hears_the_third(const struct gossip *gossip) {
    struct swim_member member;
    return gossip_member_at(gossip, 2, &member) && member.state == SWIM_ALIVE;
}

static void a_member_comes_and_goes(void **state) {
    (void)state;
    struct trio trio;
    trio_init(&trio);
    for (uint32_t at = 0; at < NODES; at++) {
        start(&trio, at, 1, &OLD_KEY, 1);
    }
    gossip_remove(trio.nodes[0], 3);
    gossip_remove(trio.nodes[1], 3);
    int64_t end = now().ns + (int64_t)PATIENCE_MS * 1000000;
    while (gossip_stats(trio.nodes[0]).swim.datagrams_strange == 0) {
        assert_true(now().ns < end);
        turn(&trio);
    }
    assert_false(hears_the_third(trio.nodes[0]));
    struct arena *arena = arena_create(1024);
    for (int at = 0; at < 2; at++) {
        assert_ok(gossip_add(trio.nodes[at], 3, trio.addresses[2], arena));
    }
    assert_err(gossip_add(trio.nodes[0], 4, "nowhere", arena), ERR_INVALID);
    arena_destroy(&arena);
    until_all_believe(&trio, 3, 1);
    trio_deinit(&trio);
}

// It was away when it was removed, and hears it from the first that knows.
static void who_was_removed_is_told_so_when_it_asks(void **state) {
    (void)state;
    struct trio trio;
    trio_init(&trio);
    for (uint32_t at = 0; at < NODES; at++) {
        start(&trio, at, 1, &OLD_KEY, 1);
    }
    gossip_remove(trio.nodes[0], 3);
    gossip_remove(trio.nodes[1], 3);
    uint32_t stranger = 0;
    int64_t end = now().ns + (int64_t)PATIENCE_MS * 1000000;
    while (!gossip_next_stranger(trio.nodes[0], &stranger)) {
        assert_true(now().ns < end);
        turn(&trio);
    }
    assert_int_equal(stranger, 3);
    gossip_answer_stranger(trio.nodes[0], false); // it may be one that is not known here yet
    assert_false(gossip_next_stranger(trio.nodes[0], &stranger));
    while (gossip_gone_by(trio.nodes[2]) == 0) {
        assert_true(now().ns < end);
        turn(&trio);
        if (gossip_next_stranger(trio.nodes[0], &stranger)) {
            gossip_answer_stranger(trio.nodes[0], true);
        }
    }
    assert_int_equal(gossip_gone_by(trio.nodes[2]), 1);
    assert_int_equal(gossip_gone_by(trio.nodes[0]), 0);
    trio_deinit(&trio);
}

static void assert_refused(const struct gossip_options *options, const char *part) {
    struct arena *arena = arena_create(1024);
    struct gossip *gossip = NULL;
    err error = gossip_create(options, now(), arena, &gossip);
    assert_err(error, ERR_INVALID);
    if (strstr(error.text, part) == NULL) {
        fail_msg("'%s' does not name '%s'", error.text, part);
    }
    arena_destroy(&arena);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct swim_seed ELSEWHERE[] = {{1, "127.0.0.1:7100"}, {2, "10.0.0.2:7100"}};
    static const struct swim_seed NOWHERE[] = {{1, "here"}};
    const bytes weak = BYTES_LITERAL("short");
    struct gossip_options options = {
        .swim = {.self_id = 1, .incarnation = 1, .members = ELSEWHERE, .member_count = 2},
        .plain = true,
    };
    assert_refused(&options, "10.0.0.2");
    options.plain = false;
    assert_refused(&options, "keys");
    options.keys = &weak;
    options.key_count = 1;
    assert_refused(&options, "16 bytes");
    options.keys = &OLD_KEY;
    options.swim.members = NOWHERE;
    options.swim.member_count = 1;
    assert_refused(&options, "'here'");
}

static struct gossip_ring ring_of(bytes key, uint8_t cluster) {
    struct gossip_ring ring = {.cluster_id = {{cluster}}, .count = 1};
    ring.keys[0] = gossip_key_from_secret(key);
    return ring;
}

static void a_seal_opens_for_its_key_and_cluster_only(void **state) {
    (void)state;
    static const uint8_t NONCE[GOSSIP_NONCE_BYTES] = {1, 2, 3};
    struct gossip_ring ring = ring_of(OLD_KEY, 1);
    const struct gossip_ring others[] = {ring_of(NEW_KEY, 1), ring_of(OLD_KEY, 2)};
    struct buffer out;
    bytes payload = BYTES_EMPTY;
    buffer_init(&out, LIMIT_GOSSIP_DATAGRAM_BYTES);
    gossip_seal(&ring, NONCE, BYTES_LITERAL("news"), &out);
    assert_golden(GOLDEN_DIRECTORY, "sealed", buffer_bytes(&out));
    assert_false(gossip_open(&others[0], out.data, out.size, &payload));
    assert_false(gossip_open(&others[1], out.data, out.size, &payload));
    for (size_t bit = 0; bit < 8 * out.size; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(gossip_open(&ring, out.data, out.size, &payload));
        out.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t size = 0; size < out.size; size++) {
        assert_false(gossip_open(&ring, out.data, size, &payload));
    }
    assert_true(gossip_open(&ring, out.data, out.size, &payload));
    assert_bytes_text(payload, "news");
    buffer_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_nodes_find_each_other),
        cmocka_unit_test(a_key_is_changed_node_by_node),
        cmocka_unit_test(another_key_is_not_heard),
        cmocka_unit_test(a_member_comes_and_goes),
        cmocka_unit_test(who_was_removed_is_told_so_when_it_asks),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_seal_opens_for_its_key_and_cluster_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
