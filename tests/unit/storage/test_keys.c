// storage/keys.h: order, round trips and refusals of keys.
#include "storage/keys.h"
#include "tests/unit/test.h"

#include <string.h>

static int order(const struct key left, const struct key right) {
    return bytes_compare(key_bytes(&left), key_bytes(&right));
}

static id128 any_id(struct random *random) {
    id128 id;
    bytes_put_u64(id.bytes, random_u64(random));
    bytes_put_u64(id.bytes + 8, random_u64(random));
    return id;
}

static void every_id_comes_back_from_its_key(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 3);
    for (int i = 0; i < 1000; i++) {
        id128 id = any_id(&random);
        struct key key = key_workflow(id);
        id128 parsed = {{0}};
        assert_true(key_workflow_parse(key_bytes(&key), &parsed));
        assert_true(id_equal(parsed, id));
        struct key task = key_task(id, 7, 9);
        struct key_task_parts parts;
        assert_true(key_task_parse(key_bytes(&task), &parts));
        assert_true(id_equal(parts.workflow, id));
        assert_int_equal(parts.run, 7);
        assert_int_equal(parts.task_no, 9);
        struct key blob = key_blob(id, 1, 2, 3);
        struct key_blob_parts blob_parts;
        assert_true(key_blob_parse(key_bytes(&blob), &blob_parts));
        assert_true(id_equal(blob_parts.workflow, id));
        assert_int_equal(blob_parts.chunk, 3);
    }
}

static void workflows_lie_in_the_order_of_their_time_whatever_their_slot(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 4);
    id128 early = id_mint(4095, 1000, &random);
    id128 late = id_mint(0, 1001, &random);
    assert_true(order(key_workflow(early), key_workflow(late)) < 0);
    assert_true(order(key_task(early, 9, 9), key_task(late, 0, 0)) < 0);
}

static void the_rows_of_a_run_lie_together_and_apart_from_other_runs(void **state) {
    (void)state;
    id128 workflow = {{9, 8, 7}};
    struct key rows[] = {
        key_reference(workflow, 2, BYTES_LITERAL("first")),
        key_task(workflow, 2, 1),
        key_blob(workflow, 2, 1, 1),
        key_log(workflow, 2, 1, 1),
    };
    struct key run = key_of_run_prefix(workflow, 2);
    struct key other = key_of_run_prefix(workflow, 3);
    struct key whole = key_of_workflow_prefix(workflow);
    struct key tasks = key_task_prefix(workflow, 2);
    int of_tasks = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(bytes_starts_with(key_bytes(&rows[i]), key_bytes(&run)));
        assert_true(bytes_starts_with(key_bytes(&rows[i]), key_bytes(&whole)));
        assert_false(bytes_starts_with(key_bytes(&rows[i]), key_bytes(&other)));
        struct key_execution_parts parts;
        assert_true(key_execution_parse(key_bytes(&rows[i]), &parts));
        assert_true(id_equal(parts.workflow, workflow));
        assert_int_equal(parts.run, 2);
        assert_true(order(key_task(workflow, 2, 0), rows[i]) < 0);
        of_tasks += bytes_starts_with(key_bytes(&rows[i]), key_bytes(&tasks));
    }
    assert_int_equal(of_tasks, 1);
}

static void a_queue_gives_high_priority_first_then_old_then_sequence(void **state) {
    (void)state;
    assert_true(order(key_queue(1, 99, 500, 5), key_queue(1, 0, 1, 1)) < 0);
    assert_true(order(key_queue(1, 0, 1, 5), key_queue(1, 0, 2, 1)) < 0);
    assert_true(order(key_queue(1, 0, 1, 1), key_queue(1, 0, 1, 2)) < 0);
    struct key key = key_queue(0xfedcba9876543210u, 3, 1764023785123, 77);
    struct key_queue_parts parts;
    assert_true(key_queue_parse(key_bytes(&key), &parts));
    assert_true(parts.queue_hash == 0xfedcba9876543210u);
    assert_int_equal(parts.priority, 3);
    assert_true(parts.ready_ms == 1764023785123);
    assert_int_equal(parts.sequence, 77);
}

static void timers_lie_in_the_order_of_their_due_time(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    id128 workflow = any_id(&random);
    assert_true(order(key_timer(255, 9, workflow, 9, 9), key_timer(256, 0, workflow, 0, 0)) < 0);
    struct key key = key_timer(1764023785123, 4, workflow, 12, 13);
    struct key_timer_parts parts;
    assert_true(key_timer_parse(key_bytes(&key), &parts));
    assert_true(parts.due_ms == 1764023785123);
    assert_int_equal(parts.kind, 4);
    assert_true(id_equal(parts.workflow, workflow));
    assert_int_equal(parts.task_no, 12);
    assert_int_equal(parts.generation, 13);
}

static void times_out_of_range_are_clamped(void **state) {
    (void)state;
    struct key_timer_parts parts;
    struct key past = key_timer(-5, 0, (id128){{0}}, 0, 0);
    assert_true(key_timer_parse(key_bytes(&past), &parts));
    assert_int_equal(parts.due_ms, 0);
    struct key never = key_timer(INT64_MAX, 0, (id128){{0}}, 0, 0);
    assert_true(key_timer_parse(key_bytes(&never), &parts));
    assert_true(parts.due_ms == 0xffffffffffff);
}

static void an_outbox_key_gives_its_destination_and_sequence(void **state) {
    (void)state;
    struct key key = key_outbox(513, 99);
    struct key_outbox_parts parts;
    assert_true(key_outbox_parse(key_bytes(&key), &parts));
    assert_int_equal(parts.destination, 513);
    assert_int_equal(parts.sequence, 99);
    struct key inbox = key_inbox(7);
    uint16_t source = 0;
    assert_true(key_inbox_parse(key_bytes(&inbox), &source));
    assert_int_equal(source, 7);
    assert_false(key_outbox_parse(key_bytes(&inbox), &parts));
    struct key stream = key_stream(7);
    assert_int_equal(bytes_compare(key_bytes(&stream), BYTES_LITERAL("U\0\x07")), 0);
    assert_false(key_inbox_parse(key_bytes(&stream), &source));
}

static void rows_of_members_and_partitions_are_told_apart(void **state) {
    (void)state;
    uint32_t node = 0;
    uint16_t partition = 0;
    struct key member = key_node(70000);
    struct key place = key_partition(513);
    assert_true(key_node_parse(key_bytes(&member), &node));
    assert_int_equal(node, 70000);
    assert_true(key_partition_parse(key_bytes(&place), &partition));
    assert_int_equal(partition, 513);
    assert_false(key_node_parse(key_bytes(&place), &node));
    assert_false(key_partition_parse(key_bytes(&member), &partition));
    struct key counters = key_queue_counters(1); // the same letter in other groups
    assert_false(key_node_parse(key_bytes(&counters), &node));
}

static void versions_of_a_name_lie_together_and_apart_from_longer_names(void **state) {
    (void)state;
    bytes ab = BYTES_LITERAL("ab");
    bytes abc = BYTES_LITERAL("abc");
    assert_true(order(key_catalog(1, ab, 0xffffffff), key_catalog(1, abc, 0)) < 0);
    struct key prefix = key_catalog_name_prefix(1, ab);
    struct key one = key_catalog(1, ab, 1);
    struct key other = key_catalog(1, abc, 1);
    assert_true(bytes_starts_with(key_bytes(&one), key_bytes(&prefix)));
    assert_false(bytes_starts_with(key_bytes(&other), key_bytes(&prefix)));
    struct key_catalog_parts parts;
    assert_true(key_catalog_parse(key_bytes(&one), &parts));
    assert_bytes_text(parts.name, "ab");
    assert_false(parts.name_hashed);
    assert_int_equal(parts.version, 1);
}

static void long_names_and_names_with_a_zero_byte_stay_distinct(void **state) {
    (void)state;
    char left[300];
    char right[300];
    memset(left, 'x', sizeof(left));
    memset(right, 'x', sizeof(right));
    right[299] = 'y';
    struct key one = key_catalog(2, bytes_of(left, 300), 7);
    struct key two = key_catalog(2, bytes_of(right, 300), 7);
    struct key plain = key_catalog(2, bytes_of(left, 255), 7);
    assert_true(order(one, two) != 0);
    assert_int_equal(one.size, KEY_BYTES_MAX);
    struct key_catalog_parts parts;
    assert_true(key_catalog_parse(key_bytes(&one), &parts));
    assert_true(parts.name_hashed);
    assert_int_equal(parts.version, 7);
    assert_true(key_catalog_parse(key_bytes(&plain), &parts));
    assert_false(parts.name_hashed);
    assert_int_equal(parts.name.size, 255);
    assert_true(
        order(key_schedule(BYTES_LITERAL("a\0b")), key_schedule(BYTES_LITERAL("a\1b"))) != 0
    );
    struct key zero = key_catalog(2, BYTES_LITERAL("a\0b"), 7);
    assert_true(key_catalog_parse(key_bytes(&zero), &parts));
    assert_true(parts.name_hashed);
}

static void parsers_refuse_other_kinds_and_cut_keys(void **state) {
    (void)state;
    struct key task = key_task((id128){{1}}, 1, 1);
    bytes whole = key_bytes(&task);
    struct key_task_parts parts;
    for (size_t size = 0; size < whole.size; size++) {
        assert_false(key_task_parse(bytes_slice(whole, 0, size), &parts));
    }
    id128 workflow;
    assert_false(key_workflow_parse(whole, &workflow));
    struct key_timer_parts timer;
    assert_false(key_timer_parse(whole, &timer));
    struct key_catalog_parts catalog;
    assert_false(key_catalog_parse(BYTES_LITERAL("C\1a\0\0\0\0"), &catalog));
}

static void kinds_of_a_partition_have_letters_of_their_own(void **state) {
    (void)state;
    static const enum key_kind kinds[] = {
        KEY_WORKFLOW,       KEY_EXECUTION, KEY_TASK_ID,     KEY_FROZEN,  KEY_FROZEN_COUNT,
        KEY_QUEUE_COUNTERS, KEY_POLL_DATA, KEY_QUEUE,       KEY_TIMER,   KEY_OUTBOX,
        KEY_STREAM,         KEY_INBOX,     KEY_IDEMPOTENCY, KEY_REQUEST, KEY_LIMIT,
        KEY_INDEX,          KEY_SCHEDULE,  KEY_MARK,        KEY_CONFIG,  KEY_RENEWAL,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(kinds[i], kinds[j]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_a_partition_have_letters_of_their_own),
        cmocka_unit_test(every_id_comes_back_from_its_key),
        cmocka_unit_test(workflows_lie_in_the_order_of_their_time_whatever_their_slot),
        cmocka_unit_test(the_rows_of_a_run_lie_together_and_apart_from_other_runs),
        cmocka_unit_test(a_queue_gives_high_priority_first_then_old_then_sequence),
        cmocka_unit_test(timers_lie_in_the_order_of_their_due_time),
        cmocka_unit_test(times_out_of_range_are_clamped),
        cmocka_unit_test(an_outbox_key_gives_its_destination_and_sequence),
        cmocka_unit_test(rows_of_members_and_partitions_are_told_apart),
        cmocka_unit_test(versions_of_a_name_lie_together_and_apart_from_longer_names),
        cmocka_unit_test(long_names_and_names_with_a_zero_byte_stay_distinct),
        cmocka_unit_test(parsers_refuse_other_kinds_and_cut_keys),
    };
    return cmocka_run_group_tests_name("storage/keys", tests, NULL, NULL);
}
