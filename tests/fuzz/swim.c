// Gossip that hears any datagrams, whole and changed, while time passes. Input: steps of `u8 what,
// u8 size, bytes`.
//
// A datagram is refused or understood; what leaves fits and is understood by another node; members
// stay within their bound and this node stays alive to itself.
#include "node/gossip/swim/swim.h"

#include "node/gossip/swim/datagram.h"
#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum step {
    STEP_HEAR,    // bytes as they are
    STEP_NEWS,    // a datagram whose news are the bytes
    STEP_CHANGED, // the other node's next datagram, changed
    STEP_TIME,
    STEP_SAY,
    STEP_COUNT,
};

struct couple {
    struct swim *nodes[2];
    mono_time now;
    struct buffer out;
};

static struct swim *open_node(uint32_t self) {
    static const struct swim_seed MEMBERS[] = {{1, "a:1"}, {2, "b:1"}, {3, "c:1"}};
    return swim_create(
        &(struct swim_options){
            .self_id = self,
            .incarnation = 5,
            .members = MEMBERS,
            .member_count = 3,
            .release_low = 1,
            .release_high = 1,
            .release = BYTES_LITERAL("f"),
            .random_seed = self,
        },
        (mono_time){INT64_C(1000000000)}
    );
}

static void hear(struct couple *couple, int node, bytes datagram) {
    uint32_t from = 0;
    err error = swim_receive(couple->nodes[node], couple->now, datagram, &from);
    check(err_is(error) || from != 0);
}

// Everything that waits at a node goes to the other, the first one changed by `how`.
static void carry(struct couple *couple, int node, bytes how) {
    uint32_t to = 0;
    for (;;) {
        buffer_clear(&couple->out);
        if (!swim_next_datagram(couple->nodes[node], &to, &couple->out)) {
            return;
        }
        check(!couple->out.overflowed && to != (uint32_t)node + 1);
        bool whole = how.size < 2;
        for (; how.size >= 2; how = bytes_slice(how, 2, how.size)) {
            couple->out.data[how.data[0] % couple->out.size] ^= how.data[1];
        }
        if (whole) {
            struct arena *arena = arena_create(4096);
            struct swim_datagram datagram;
            check(!err_is(swim_datagram_decode(buffer_bytes(&couple->out), arena, &datagram)));
            arena_destroy(&arena);
        }
        hear(couple, 1 - node, buffer_bytes(&couple->out));
    }
}

static void hear_news(struct couple *couple, bytes piece) {
    struct swim_datagram datagram = {
        .kind = piece.size > 0 ? (uint8_t)(1 + piece.data[0] % 5) : SWIM_NEWS,
        .from = 1 + (uint32_t)(piece.size % 9),
        .incarnation = 5,
        .number = 1,
        .target = (uint32_t)(piece.size % 4),
        .news = {.items = &piece, .count = 1},
    };
    buffer_clear(&couple->out);
    wire_encode(&swim_datagram_record, &datagram, &couple->out);
    if (!couple->out.overflowed) {
        hear(couple, 0, buffer_bytes(&couple->out));
    }
}

static void take_step(struct couple *couple, enum step step, bytes rest) {
    switch (step) {
    case STEP_HEAR:
        hear(couple, 0, rest);
        break;
    case STEP_NEWS:
        hear_news(couple, rest);
        break;
    case STEP_CHANGED:
        carry(couple, 1, rest);
        carry(couple, 0, BYTES_EMPTY);
        break;
    case STEP_TIME:
        couple->now.ns += INT64_C(50) * 1000 * 1000 * (rest.size > 0 ? rest.data[0] : 1);
        swim_tick(couple->nodes[0], couple->now);
        swim_tick(couple->nodes[1], couple->now);
        break;
    case STEP_SAY:
        swim_say(couple->nodes[1], 1, rest);
        break;
    case STEP_COUNT:
        break;
    }
}

static void check_members(const struct couple *couple) {
    for (int node = 0; node < 2; node++) {
        struct swim_member member;
        size_t count = 0;
        while (swim_member_at(couple->nodes[node], count, &member)) {
            check(member.state < SWIM_STATE_COUNT);
            check(member.node != (uint32_t)node + 1 || member.state == SWIM_ALIVE);
            count++;
        }
        check(count >= 3 && count <= LIMIT_NODES);
        check(swim_patience(couple->nodes[node]) <= LIMIT_GOSSIP_HEALTH);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct couple couple = {.nodes = {open_node(1), open_node(2)}, .now = {INT64_C(1000000000)}};
    buffer_init(&couple.out, LIMIT_GOSSIP_PAYLOAD_BYTES);
    bytes rest = bytes_of(input, size);
    while (rest.size >= 2) {
        size_t part = rest.data[1] < rest.size - 2 ? rest.data[1] : rest.size - 2;
        take_step(&couple, (enum step)(rest.data[0] % STEP_COUNT), bytes_slice(rest, 2, 2 + part));
        rest = bytes_slice(rest, 2 + part, rest.size);
    }
    check_members(&couple);
    buffer_deinit(&couple.out);
    swim_destroy(&couple.nodes[0]);
    swim_destroy(&couple.nodes[1]);
    return 0;
}
