// proto/base: table and heap against naive models.
#include "proto/base/heap.h"
#include "proto/base/random.h"
#include "proto/base/table.h"
#include "tests/unit/test.h"

enum {
    KEYS = 300,
    STEPS = 200000
};

static void a_table_agrees_with_an_array(void **state) {
    (void)state;
    static int marks[KEYS];
    int *model[KEYS] = {0};
    struct table table;
    table_init(&table);
    struct random random;
    random_init(&random, 7);
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t index = (size_t)random_below(&random, KEYS);
        uint64_t key = index << (index % 40); // clustered low bits
        key |= index << 48;
        if (random_one_in(&random, 2)) {
            count += model[index] == NULL;
            model[index] = &marks[index];
            table_put(&table, key, model[index]);
        } else {
            count -= model[index] != NULL;
            assert_ptr_equal(table_take(&table, key), model[index]);
            model[index] = NULL;
        }
        assert_ptr_equal(table_get(&table, key), model[index]);
        assert_int_equal(table.count, count);
    }
    for (size_t index = 0; index < KEYS; index++) {
        uint64_t key = (index << (index % 40)) | (index << 48);
        assert_ptr_equal(table_get(&table, key), model[index]);
    }
    table_deinit(&table);
}

static int number_order(const void *left, const void *right) {
    uint64_t l = *(const uint64_t *)left;
    uint64_t r = *(const uint64_t *)right;
    return l < r ? -1 : l > r;
}

static void a_heap_gives_its_items_in_order(void **state) {
    (void)state;
    struct heap heap;
    heap_init(&heap, sizeof(uint64_t), number_order);
    struct random random;
    random_init(&random, 9);
    for (int round = 0; round < 200; round++) {
        size_t count = (size_t)random_below(&random, 100);
        for (size_t i = 0; i < count; i++) {
            uint64_t item = random_below(&random, 50);
            heap_push(&heap, &item);
        }
        uint64_t last = 0;
        uint64_t item = 0;
        for (size_t i = 0; i < count; i++) {
            assert_true(heap_pop(&heap, &item));
            assert_true(item >= last);
            last = item;
        }
        assert_false(heap_pop(&heap, &item));
    }
    heap_deinit(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_agrees_with_an_array),
        cmocka_unit_test(a_heap_gives_its_items_in_order),
    };
    return cmocka_run_group_tests_name("proto/base containers", tests, NULL, NULL);
}
