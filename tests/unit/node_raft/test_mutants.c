// The test of the tests (distributed.md §15.3): every planted bug of node/raft is found by a story
// or by harm and healing within a few seeds. Over a build of the room and the harness with the bugs
// in it, one chosen in a process of its own: a bug may also be met by an assertion.
#include "proto/base/mutant.h"
#include "tests/unit/node_raft/stories.h"
#include "tests/unit/node_raft/weather.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SEEDS_MAX = 400,
    SEED_SECONDS_MAX = 20 // a bug may also be met by a seed that never ends
};

static const char *const mutants[] = {
    "ack_before_sync",
    "ack_of_old_epoch",
    "ack_of_old_term",
    "commit_beyond_match",
    "commit_old_term",
    "config_used_on_commit_only",
    "count_self_before_sync",
    "cut_forgets_durable",
    "install_ends_before_noop",
    "install_from_uncommitted",
    "installing_counts",
    "installing_votes_blindly",
    "joint_uses_one_majority",
    "learner_counted",
    "lost_store_counted",
    "no_check_quorum",
    "no_prevote",
    "not_sticky",
    "old_install_begins_anew",
    "outsider_keeps_leading",
    "old_replica_votes",
    "promote_empty_learner",
    "read_ignores_term",
    "read_index_of_old_round",
    "removed_replica_accepted",
    "replica_id_reused",
    "speculation_kept",
    "stands_while_installing",
    "truncate_on_stale_append",
    "vote_before_sync",
    "vote_ignores_log",
    "vote_not_persisted",
    "vote_twice",
};

// In the child: the stories first, then seeds, each told before it begins.
static void hunt(const char *name, int report) {
    mutant_choose(name);
    for (size_t i = 0; i < STORY_COUNT; i++) {
        char room[ORACLE_TEXT_BYTES];
        (void)alarm(SEED_SECONDS_MAX);
        const char *failure = story_run(&stories[i], room, NULL);
        if (failure != NULL) {
            (void)fprintf(stderr, "%s: %.100s\n", stories[i].name, failure);
            _exit(1);
        }
    }
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        char text[ORACLE_TEXT_BYTES];
        if (write(report, &seed, sizeof(seed)) != (ssize_t)sizeof(seed)) {
            _exit(2);
        }
        (void)alarm(SEED_SECONDS_MAX);
        if (weather_run(seed, text, sizeof(text), NULL) != NULL) {
            (void)fprintf(stderr, "%.100s\n", text);
            _exit(1);
        }
    }
    _exit(0);
}

static bool is_found(const char *name) {
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(report[0]);
        hunt(name, report[1]);
    }
    (void)close(report[1]);
    uint64_t seed = 0;
    uint64_t last = 0;
    while (read(report[0], &seed, sizeof(seed)) == (ssize_t)sizeof(seed)) {
        last = seed;
    }
    (void)close(report[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    bool survived = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    print_message(
        "%-26s %s seed %llu\n", name, survived ? "SURVIVED" : "found at", (unsigned long long)last
    );
    return !survived;
}

static void every_planted_bug_is_found(void **state) {
    (void)state;
    int survivors = 0;
    for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
        survivors += is_found(mutants[i]) ? 0 : 1;
    }
    assert_int_equal(survivors, 0);
}

int main(int count, char **arguments) {
    if (count > 1) {
        return is_found(arguments[1]) ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planted_bug_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
