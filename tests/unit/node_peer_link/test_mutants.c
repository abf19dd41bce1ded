// The planted bugs of the links, each seen from outside (distributed.md §15.3). Without
// -DMUTANTS=ON the same scenarios must be clean.
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "tests/unit/node_peer_link/ends.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#ifdef ORPHEUS_MUTANTS
#define assert_seen(condition) assert_true(condition)
#else
#define mutant_choose(name) (void)(name)
#define assert_seen(condition) assert_false(condition)
#endif

static void joined(struct ends *ends, bool plain) {
    ends_init(ends);
    ends->options[0].self.plain = plain;
    ends->options[1].self.plain = plain;
    ends_open(ends);
    ends_join(ends);
}

static uint64_t heard(const struct ends *ends) {
    return ends_counters(ends, 1)->messages_received;
}

static void a_frame_that_counts_twice_is_seen(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("once")));
    assert_true(ends_carry(&ends, 0));
    mutant_choose("link_frame_repeated");
    ends_give_frame(&ends, 1);
    mutant_choose(NULL);
    assert_seen(heard(&ends) > 1);
    ends_deinit(&ends);
}

static void a_frame_of_another_connection_that_counts_is_seen(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, true);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("for the one before")));
    assert_true(ends_take_frame(&ends, 0));
    uint8_t early[256];
    size_t early_bytes = ends.frame_bytes;
    memcpy(early, ends.frame, early_bytes);
    ends_disconnect(&ends);
    ends_connect(&ends);
    while (!link_is_up(ends.links[0]) || !link_is_up(ends.links[1])) {
        (void)ends_carry(&ends, 0);
        (void)ends_carry(&ends, 1);
    }
    memcpy(ends.frame, early, early_bytes);
    ends.frame_bytes = early_bytes;
    mutant_choose("link_foreign_frame_taken");
    bytes_put_u64(ends.frame + 24, 1000); // newer than what came on this one
    ends_give_frame(&ends, 1);
    mutant_choose(NULL);
    assert_seen(heard(&ends) > 0);
    ends_deinit(&ends);
}

static void an_earlier_process_that_comes_in_is_seen(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    ends_disconnect(&ends);
    link_destroy(&ends.links[0]);
    ends.options[0].self.incarnation--;
    ends.links[0] = link_create(&ends.options[0]);
    mutant_choose("link_old_process_admitted");
    ends_connect(&ends);
    ends_settle(&ends);
    mutant_choose(NULL);
    assert_seen(link_is_up(ends.links[1]));
    ends_deinit(&ends);
}

static void somebody_without_the_key_who_comes_in_is_seen(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].key = link_key_from_secret(BYTES_LITERAL("a secret of nobody here"));
    ends_open(&ends);
    mutant_choose("link_proof_unchecked");
    ends_connect(&ends);
    ends_settle(&ends);
    mutant_choose(NULL);
    assert_seen(link_is_up(ends.links[1]));
    ends_deinit(&ends);
}

static void a_message_of_wrong_parts_is_seen(void **state) {
    (void)state;
    enum {
        SIZE = 600 * 1000
    };
    struct ends ends;
    joined(&ends, false);
    uint8_t *data = calloc(1, SIZE);
    assert_non_null(data);
    assert_true(link_send(ends.links[0], PEER_BULK, bytes_of(data, SIZE)));
    mutant_choose("link_parts_out_of_place");
    assert_true(ends_carry(&ends, 0));
    assert_true(ends_take_frame(&ends, 0)); // lost
    ends_settle(&ends);
    mutant_choose(NULL);
    assert_seen(heard(&ends) > 0);
    free(data);
    ends_deinit(&ends);
}

static void a_silent_peer_that_stays_up_is_seen(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    mutant_choose("link_silence_unnoticed");
    ends_wait(&ends, LIMIT_PEER_SILENCE_MS);
    mutant_choose(NULL);
    assert_seen(link_is_up(ends.links[0]));
    ends_deinit(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_that_counts_twice_is_seen),
        cmocka_unit_test(a_frame_of_another_connection_that_counts_is_seen),
        cmocka_unit_test(an_earlier_process_that_comes_in_is_seen),
        cmocka_unit_test(somebody_without_the_key_who_comes_in_is_seen),
        cmocka_unit_test(a_message_of_wrong_parts_is_seen),
        cmocka_unit_test(a_silent_peer_that_stays_up_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
