#include "tests/unit/node_gossip_swim/crowd.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_MS = 10,
    DELAY_MS_MAX = 20,
};

static const char *address_of(int node) {
    static const char *const ADDRESSES[CROWD_MAX] = {
        "a:1",
        "b:1",
        "c:1",
        "d:1",
        "e:1",
        "f:1",
        "g:1",
        "h:1",
        "i:1",
        "j:1",
        "k:1",
        "l:1",
        "m:1",
        "n:1",
        "o:1",
        "p:1",
    };
    return ADDRESSES[node];
}

void crowd_start(struct crowd *crowd, int node) {
    struct swim_seed members[CROWD_MAX];
    for (int at = 0; at < crowd->count; at++) {
        members[at] = (struct swim_seed){.node_id = (uint32_t)at + 1, .address = address_of(at)};
    }
    const struct swim_options options = {
        .self_id = (uint32_t)node + 1,
        .incarnation = ++crowd->incarnations[node],
        .members = members,
        .member_count = (size_t)crowd->count,
        .release_low = 1,
        .release_high = 2,
        .release = BYTES_LITERAL("0.1.0"),
        .random_seed = random_u64(&crowd->random),
    };
    swim_destroy(&crowd->nodes[node]);
    crowd->nodes[node] = swim_create(&options, crowd->now);
}

void crowd_init(struct crowd *crowd, int count, uint64_t seed) {
    memset(crowd, 0, sizeof(*crowd));
    crowd->count = count;
    crowd->now = (mono_time){INT64_C(7) * 1000 * 1000 * 1000};
    crowd->flying = calloc(CROWD_FLYING_MAX, sizeof(*crowd->flying));
    assert_non_null(crowd->flying);
    random_init(&crowd->random, seed);
    for (int node = 0; node < count; node++) {
        crowd_start(crowd, node);
    }
}

void crowd_deinit(struct crowd *crowd) {
    for (int node = 0; node < crowd->count; node++) {
        swim_destroy(&crowd->nodes[node]);
    }
    free(crowd->flying);
}

void crowd_kill(struct crowd *crowd, int node) {
    swim_destroy(&crowd->nodes[node]);
}

void crowd_part(struct crowd *crowd, int size, bool cut) {
    for (int left = 0; left < size; left++) {
        for (int right = size; right < crowd->count; right++) {
            crowd->cut[left][right] = cut;
            crowd->cut[right][left] = cut;
        }
    }
}

static void send_all(struct crowd *crowd, int node) {
    struct buffer payload;
    uint32_t to = 0;
    buffer_init(&payload, LIMIT_GOSSIP_PAYLOAD_BYTES);
    while (swim_next_datagram(crowd->nodes[node], &to, &payload)) {
        assert_ok(buffer_status(&payload));
        if (random_below(&crowd->random, 100) >= crowd->loss_percent) {
            assert_in_range(crowd->flying_count, 0, CROWD_FLYING_MAX - 1);
            struct crowd_datagram *datagram = &crowd->flying[crowd->flying_count++];
            datagram->from = node;
            datagram->to = (int)to - 1;
            datagram->size = payload.size;
            datagram->arrives_ns =
                crowd->now.ns + (int64_t)random_below(&crowd->random, DELAY_MS_MAX) * 1000000;
            memcpy(datagram->data, payload.data, payload.size);
        }
        buffer_clear(&payload);
    }
    buffer_deinit(&payload);
}

static void deliver(struct crowd *crowd) {
    size_t kept = 0;
    for (size_t at = 0; at < crowd->flying_count; at++) {
        struct crowd_datagram *datagram = &crowd->flying[at];
        bool stopped = datagram->to < crowd->count && crowd->stopped[datagram->to];
        if (datagram->arrives_ns > crowd->now.ns || stopped) {
            if (kept != at) {
                crowd->flying[kept] = *datagram;
            }
            kept++;
        } else if (crowd->nodes[datagram->to] != NULL && !crowd->cut[datagram->from][datagram->to]) {
            uint32_t from = 0;
            assert_ok(swim_receive(
                crowd->nodes[datagram->to],
                crowd->now,
                bytes_of(datagram->data, datagram->size),
                &from
            ));
            assert_int_equal(from, datagram->from + 1);
            crowd->delivered++;
        }
    }
    crowd->flying_count = kept;
}

static void step(struct crowd *crowd) {
    crowd->now.ns += (int64_t)STEP_MS * 1000000;
    deliver(crowd);
    for (int node = 0; node < crowd->count; node++) {
        struct swim_member member;
        if (crowd->nodes[node] == NULL || crowd->stopped[node]) {
            continue;
        }
        swim_tick(crowd->nodes[node], crowd->now);
        assert_true(swim_next_wakeup(crowd->nodes[node]).ns >= crowd->now.ns);
        while (swim_next_change(crowd->nodes[node], &member)) {
            crowd->changes_to[member.state]++;
        }
        send_all(crowd, node);
    }
}

void crowd_run(struct crowd *crowd, int64_t ms) {
    for (int64_t passed = 0; passed < ms; passed += STEP_MS) {
        step(crowd);
    }
}

bool crowd_until(struct crowd *crowd, int64_t ms, bool (*is_so)(const struct crowd *)) {
    for (int64_t passed = 0; passed < ms && !is_so(crowd); passed += STEP_MS) {
        step(crowd);
    }
    return is_so(crowd);
}

struct swim_member crowd_view(const struct crowd *crowd, int observer, int node) {
    struct swim_member member;
    assert_true(swim_member_at(crowd->nodes[observer], (size_t)node, &member));
    assert_int_equal(member.node, node + 1);
    return member;
}

bool crowd_all_believe(const struct crowd *crowd, int node, enum swim_state state) {
    for (int observer = 0; observer < crowd->count; observer++) {
        if (observer != node && crowd->nodes[observer] != NULL &&
            crowd_view(crowd, observer, node).state != state) {
            return false;
        }
    }
    return true;
}
