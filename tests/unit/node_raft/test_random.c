// Random harm, then healing: the invariants hold throughout, and afterwards everything settles.
//
//   test_random [FIRST [COUNT]]   runs those seeds and prints each that fails; of one, its story
#include "tests/unit/node_raft/weather.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum {
    SEEDS = 60
};

static uint64_t first_seed = 1;
static uint64_t seed_count = SEEDS;

static void agreement_holds_in_any_weather(void **state) {
    (void)state;
    uint64_t failed = 0;
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        char text[ORACLE_TEXT_BYTES];
        const char *failure =
            weather_run(seed, text, sizeof(text), seed_count == 1 ? stdout : NULL);
        if (failure != NULL) {
            print_error("seed %llu: %s\n", (unsigned long long)seed, failure);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

int main(int count, char **arguments) {
    if (count > 1) {
        first_seed = strtoull(arguments[1], NULL, 10);
        seed_count = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement_holds_in_any_weather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
