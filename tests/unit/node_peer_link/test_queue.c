// The queue of one class, against a list of what was put in.
#include "node/peer/link/queue.h"
#include "proto/base/random.h"
#include "tests/unit/test.h"

#include <string.h>

enum {
    QUEUE_BYTES = 64 * 1024,
    MESSAGE_BYTES_MAX = 3000,
    STEPS = 20000,
};

static void what_goes_in_comes_out_in_order(void **state) {
    (void)state;
    struct link_queue queue;
    struct random random;
    uint8_t message[MESSAGE_BYTES_MAX];
    uint32_t pushed = 0;
    uint32_t popped = 0;
    link_queue_init(&queue, QUEUE_BYTES);
    random_init(&random, 1);
    for (int step = 0; step < STEPS; step++) {
        if (random_one_in(&random, 2)) {
            size_t size = 5 + (size_t)random_below(&random, MESSAGE_BYTES_MAX - 5);
            memset(message, (int)(pushed & 0xff), size);
            bytes_put_u32(message, pushed);
            pushed += link_queue_push(&queue, bytes_of(message, size)) ? 1 : 0;
        } else {
            bytes first = BYTES_EMPTY;
            bool any = link_queue_first(&queue, &first);
            assert_int_equal(any, popped < pushed);
            if (any) {
                assert_int_equal(bytes_get_u32(first.data), popped);
                assert_int_equal(first.data[first.size - 1], popped & 0xff);
                link_queue_pop(&queue);
                popped++;
            }
        }
        assert_int_equal(queue.count, pushed - popped);
        assert_in_range(link_queue_bytes(&queue), 0, QUEUE_BYTES);
    }
    link_queue_deinit(&queue);
}

static void a_full_queue_says_no_and_stays_as_it_is(void **state) {
    (void)state;
    static const uint8_t MESSAGE[100] = {0};
    struct link_queue queue;
    link_queue_init(&queue, 3 * (sizeof(MESSAGE) + LINK_QUEUE_HEAD_BYTES));
    for (int at = 0; at < 3; at++) {
        assert_true(link_queue_push(&queue, bytes_of(MESSAGE, sizeof(MESSAGE))));
    }
    assert_false(link_queue_push(&queue, bytes_of(MESSAGE, 1)));
    assert_int_equal(link_queue_clear(&queue), 3);
    assert_int_equal(link_queue_bytes(&queue), 0);
    assert_true(link_queue_push(&queue, bytes_of(MESSAGE, 1)));
    link_queue_deinit(&queue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_full_queue_says_no_and_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
