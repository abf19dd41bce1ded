// The datagrams of gossip: as they were, and refused when they are anything else.
#include "node/gossip/swim/datagram.h"
#include "node/gossip/swim/swim.h"
#include "proto/base/random.h"
#include "proto/limits.h"
#include "tests/unit/golden.h"

static struct swim *new_swim(void) {
    static const struct swim_seed MEMBERS[] = {{1, "127.0.0.1:7101"}, {2, "127.0.0.1:7102"}};
    return swim_create(
        &(struct swim_options){
            .self_id = 1,
            .incarnation = 7,
            .members = MEMBERS,
            .member_count = 2,
            .release_low = 1,
            .release_high = 2,
            .release = BYTES_LITERAL("0.1.0"),
            .random_seed = 1,
        },
        (mono_time){1}
    );
}

static void datagrams_look_as_ever(void **state) {
    (void)state;
    static const char *const NAMES[] = {"ping", "sync"};
    struct swim *swim = new_swim();
    struct buffer out;
    buffer_init(&out, LIMIT_GOSSIP_PAYLOAD_BYTES);
    swim_say(swim, 250, BYTES_LITERAL("leads 1 2 3"));
    swim_tick(swim, (mono_time){1});
    for (int at = 0; at < 2; at++) {
        uint32_t to = 0;
        buffer_clear(&out);
        assert_true(swim_next_datagram(swim, &to, &out));
        assert_int_equal(to, 2);
        assert_golden(GOLDEN_DIRECTORY, NAMES[at], buffer_bytes(&out));
    }
    buffer_deinit(&out);
    swim_destroy(&swim);
}

static void a_datagram_cut_short_or_changed_is_refused_or_understood(void **state) {
    (void)state;
    struct swim *swim = new_swim();
    struct swim *other = new_swim();
    struct buffer out;
    uint32_t to = 0;
    buffer_init(&out, LIMIT_GOSSIP_PAYLOAD_BYTES);
    swim_tick(swim, (mono_time){1});
    assert_true(swim_next_datagram(swim, &to, &out));
    for (size_t size = 0; size < out.size; size++) {
        assert_err(swim_receive(other, (mono_time){2}, bytes_of(out.data, size), &to), ERR_CORRUPT);
    }
    for (size_t bit = 0; bit < 8 * out.size; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        (void)err_is(swim_receive(other, (mono_time){2}, buffer_bytes(&out), &to));
        out.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    buffer_deinit(&out);
    swim_destroy(&swim);
    swim_destroy(&other);
}

static void news_that_cannot_be_is_refused(void **state) {
    (void)state;
    static const struct swim_news WRONG[] = {
        {.node = 0, .incarnation = 1, .state = SWIM_ALIVE},
        {.node = 1, .incarnation = 0, .state = SWIM_ALIVE},
        {.node = 1, .incarnation = 1, .state = SWIM_UNKNOWN},
        {.node = 1, .incarnation = 1, .state = SWIM_STATE_COUNT},
        {.node = 1, .incarnation = 1, .state = SWIM_ALIVE, .release = {(const uint8_t *)"a b", 3}},
        {.node = 1, .incarnation = 1, .state = SWIM_ALIVE, .address = {(const uint8_t *)"\n", 1}},
    };
    struct arena *arena = arena_create(1024);
    for (size_t at = 0; at < sizeof(WRONG) / sizeof(WRONG[0]); at++) {
        struct buffer out;
        struct swim_news news;
        buffer_init(&out, 1024);
        wire_encode(&swim_news_record, &WRONG[at], &out);
        assert_err(swim_news_decode(buffer_bytes(&out), arena, &news), ERR_CORRUPT);
        buffer_deinit(&out);
    }
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_look_as_ever),
        cmocka_unit_test(a_datagram_cut_short_or_changed_is_refused_or_understood),
        cmocka_unit_test(news_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
