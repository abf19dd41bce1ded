// node/core: messages between groups are handed on in their order and applied once, whoever leads
// which of the two groups from when on.
#include "node/core/streams.h"
#include "scheduler/renewal.h"
#include "scheduler/rows.h"
#include "tests/unit/node_core/world.h"

enum {
    SOURCE = 1,
    DESTINATION = 2
};

static void put_message(struct world *world, uint64_t sequence) {
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(world->store, SOURCE, &txn));
    struct key key = key_outbox(DESTINATION, sequence);
    store_txn_put(txn, key_bytes(&key), BYTES_LITERAL("message"));
    log_index index = 0;
    log_lsn lsn = 0;
    uint64_t term = store_group(world->store, SOURCE).term;
    store_txn_commit(&txn, term, world->wall.ms, &index, &lsn);
}

static void next_is(struct streams *streams, uint64_t sequence) {
    struct stream_position position;
    assert_true(streams_next(streams, &position));
    assert_int_equal(position.source, SOURCE);
    assert_int_equal(position.destination, DESTINATION);
    assert_int_equal(position.sequence, sequence);
}

// Found by the simulator, seed 824: a permit came home twice.
static void what_was_applied_is_not_applied_again_when_its_source_is_led_here_too(void **state) {
    struct world *world = *state;
    put_message(world, 1);
    put_message(world, 2);
    struct streams *streams = streams_create(3);
    streams_lead(streams, world->store, DESTINATION);
    streams_applied(streams, SOURCE, DESTINATION, 1); // came from another node; not committed yet
    streams_lead(streams, world->store, SOURCE);
    next_is(streams, 2);
    streams_destroy(&streams);
}

static void what_may_be_lost_is_handed_on_again(void **state) {
    struct world *world = *state;
    put_message(world, 1);
    put_message(world, 2);
    struct streams *streams = streams_create(3);
    streams_lead(streams, world->store, DESTINATION);
    streams_applied(streams, SOURCE, DESTINATION, 1);
    streams_follow(streams, DESTINATION); // before its entry was committed
    streams_lead(streams, world->store, SOURCE);
    next_is(streams, 1);
    streams_applied(streams, SOURCE, DESTINATION, 1);
    next_is(streams, 2);
    streams_lead(streams, world->store, DESTINATION); // it never came
    next_is(streams, 1);
    streams_destroy(&streams);
}

// --- epochs: one of the two was renewed after a recovery, the other not yet ----------------------

static void put_watermark(struct world *world, uint64_t sequence) {
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(world->store, DESTINATION, &txn));
    struct watermark_row row = {.sequence = sequence};
    struct key key = key_inbox(SOURCE);
    row_put(txn, &key, &watermark_row_record, &row);
    log_index index = 0;
    log_lsn lsn = 0;
    uint64_t term = store_group(world->store, DESTINATION).term;
    store_txn_commit(&txn, term, world->wall.ms, &index, &lsn);
}

static void nothing_is_next(struct streams *streams) {
    struct stream_position position;
    assert_false(streams_next(streams, &position));
    assert_false(streams_take_ack(streams, SOURCE, &position));
}

static void a_source_that_was_renewed_waits_for_its_destination(void **state) {
    struct world *world = *state;
    uint64_t base = renewal_base(1);
    put_watermark(world, 7);
    put_message(world, base + 1);
    struct streams *streams = streams_create(3);
    streams_lead(streams, world->store, DESTINATION);
    streams_lead(streams, world->store, SOURCE);
    nothing_is_next(streams);
    streams_sent(streams, SOURCE, DESTINATION, base + 2);
    nothing_is_next(streams);
    streams_follow(streams, DESTINATION); // while it is renewed
    put_watermark(world, base);
    streams_lead(streams, world->store, DESTINATION);
    next_is(streams, base + 1);
    streams_destroy(&streams);
}

// What the renewed one has applied says nothing of what is in the outbox under older numbers.
static void a_destination_that_was_renewed_takes_and_forgets_nothing_of_before(void **state) {
    struct world *world = *state;
    uint64_t base = renewal_base(1);
    put_watermark(world, base);
    put_message(world, 8);
    struct streams *streams = streams_create(3);
    streams_lead(streams, world->store, SOURCE);
    streams_lead(streams, world->store, DESTINATION);
    nothing_is_next(streams);
    streams_acknowledged(streams, SOURCE, DESTINATION, base); // as another node would say it
    streams_sent(streams, SOURCE, DESTINATION, 9);
    nothing_is_next(streams);
    streams_destroy(&streams);
}

static void a_renewed_destination_elsewhere_acknowledges_nothing_of_before(void **state) {
    struct world *world = *state;
    put_message(world, 8);
    struct streams *streams = streams_create(3);
    streams_lead(streams, world->store, SOURCE);
    next_is(streams, 8);
    streams_acknowledged(streams, SOURCE, DESTINATION, renewal_base(1));
    next_is(streams, 8);
    streams_destroy(&streams);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_applied_is_not_applied_again_when_its_source_is_led_here_too,
            world_setup,
            world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_may_be_lost_is_handed_on_again, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_source_that_was_renewed_waits_for_its_destination, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_destination_that_was_renewed_takes_and_forgets_nothing_of_before,
            world_setup,
            world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_renewed_destination_elsewhere_acknowledges_nothing_of_before,
            world_setup,
            world_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
