// The planted bugs of gossip, each seen in what a crowd comes to believe (distributed.md §15.3).
// Without -DMUTANTS=ON the same scenarios must be clean.
#include "node/gossip/swim/datagram.h"
#include "proto/base/mutant.h"
#include "tests/unit/node_gossip_swim/crowd.h"
#include "tests/unit/test.h"

#ifdef ORPHEUS_MUTANTS
#define assert_seen(condition) assert_true(condition)
#else
#define mutant_choose(name) (void)(name)
#define assert_seen(condition) assert_false(condition)
#endif

static void gathered(struct crowd *crowd) {
    crowd_init(crowd, 3, 1);
    crowd_run(crowd, 10000);
    assert_true(crowd_all_believe(crowd, 0, SWIM_ALIVE));
}

static void a_node_that_does_not_refute_is_seen(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd);
    mutant_choose("swim_never_refutes");
    crowd.stopped[0] = true;
    crowd_run(&crowd, 20000);
    assert_true(crowd_all_believe(&crowd, 0, SWIM_DEAD));
    crowd.stopped[0] = false;
    crowd_run(&crowd, 120000);
    mutant_choose(NULL);
    assert_seen(!crowd_all_believe(&crowd, 0, SWIM_ALIVE));
    crowd_deinit(&crowd);
}

static void an_earlier_process_that_is_heard_is_seen(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd);
    crowd.incarnations[0] = 5;
    crowd_start(&crowd, 0);
    crowd_run(&crowd, 5000);
    uint64_t before = swim_counters(crowd.nodes[1])->datagrams_received;
    crowd_kill(&crowd, 2); // so that node 1 hears node 0 alone
    crowd.incarnations[0] = 1;
    crowd_start(&crowd, 0);
    mutant_choose("swim_old_process_heard");
    crowd_run(&crowd, 5000);
    mutant_choose(NULL);
    assert_seen(swim_counters(crowd.nodes[1])->datagrams_received > before + 1);
    crowd_deinit(&crowd);
}

// Two that know of its death, and one that says what it heard before: nobody may rise again by
// that.
static void old_news_that_counts_is_seen(void **state) {
    (void)state;
    struct crowd crowd;
    gathered(&crowd);
    crowd.cut[1][2] = true;
    crowd.cut[2][1] = true;
    crowd_kill(&crowd, 0);
    crowd_start(&crowd, 0);
    crowd_run(&crowd, 5000);
    crowd.cut[0][1] = true;
    crowd.cut[1][0] = true;
    crowd.cut[0][2] = true;
    crowd.cut[2][0] = true;
    crowd_run(&crowd, 30000);
    assert_true(crowd_all_believe(&crowd, 0, SWIM_DEAD));
    uint64_t alive_before = crowd.changes_to[SWIM_ALIVE];
    struct swim_member member = crowd_view(&crowd, 1, 0);
    const struct swim_news news = {
        .node = 1,
        .incarnation = member.incarnation,
        .refutation = member.refutation,
        .state = SWIM_ALIVE,
    };
    struct buffer piece;
    struct buffer out;
    buffer_init(&piece, 1000);
    buffer_init(&out, 1000);
    wire_encode(&swim_news_record, &news, &piece);
    bytes item = buffer_bytes(&piece);
    const struct swim_datagram datagram = {
        .kind = SWIM_NEWS, .from = 3, .incarnation = 1, .news = {.items = &item, .count = 1}};
    wire_encode(&swim_datagram_record, &datagram, &out);
    uint32_t from = 0;
    mutant_choose("swim_last_word_counts");
    assert_ok(swim_receive(crowd.nodes[1], crowd.now, buffer_bytes(&out), &from));
    crowd_run(&crowd, 20);
    mutant_choose(NULL);
    assert_seen(crowd.changes_to[SWIM_ALIVE] > alive_before);
    buffer_deinit(&piece);
    buffer_deinit(&out);
    crowd_deinit(&crowd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_does_not_refute_is_seen),
        cmocka_unit_test(an_earlier_process_that_is_heard_is_seen),
        cmocka_unit_test(old_news_that_counts_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
