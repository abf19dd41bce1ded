// What a process is by its settings and its store, and what is refused.
#include "node/shell/standing.h"
#include "tests/unit/test.h"

#include <string.h>

static const id128 CLUSTER = {{0xc1}};
static const id128 OTHER_CLUSTER = {{0xc2}};

// The settings of a node that says nothing of clusters.
static struct config plain(void) {
    return (struct config){
        .http = "127.0.0.1:8080",
        .store = "folder",
        .cluster = "",
        .join = "",
        .cluster_address = "",
        .partitions = 64,
        .replicas = 3,
    };
}

static struct members list_of(id128 cluster_id) {
    static struct peers_member items[] = {{1, "a:1"}, {2, "b:1"}};
    return (struct members){.items = items, .count = 2, .cluster_id = cluster_id};
}

static struct identity node_four(enum identity_state state, bool joined) {
    struct identity identity = {
        .state = state, .joined = joined, .cluster_id = CLUSTER, .node = 4, .partitions = 64};
    return identity;
}

struct trial {
    struct config config;
    struct members list;
    struct identity identity;
    bool used;
};

static void assert_stands(struct trial *trial, enum standing wanted) {
    struct arena *arena = arena_create(1024);
    enum standing standing = STANDING_ALONE;
    assert_ok(
        standing_find(&trial->config, &trial->list, trial->used, arena, &trial->identity, &standing)
    );
    assert_int_equal(standing, wanted);
    arena_destroy(&arena);
}

static void assert_refused(struct trial *trial, enum err_code code, const char *part) {
    struct arena *arena = arena_create(1024);
    enum standing standing = STANDING_ALONE;
    err error = standing_find(
        &trial->config, &trial->list, trial->used, arena, &trial->identity, &standing
    );
    assert_err(error, code);
    if (strstr(error.text, part) == NULL) {
        fail_msg("'%s' does not name '%s'", error.text, part);
    }
    arena_destroy(&arena);
}

static void without_settings_a_store_says_all(void **state) {
    (void)state;
    struct trial trial = {.config = plain()};
    assert_stands(&trial, STANDING_ALONE);
    trial.used = true;
    assert_stands(&trial, STANDING_ALONE);
    trial.identity = node_four(IDENTITY_MEMBER, true);
    assert_stands(&trial, STANDING_GOES_ON);
    trial.identity = node_four(IDENTITY_MEMBER, false);
    assert_stands(&trial, STANDING_GOES_ON);
    trial.used = false; // admitted, and killed before its store was made
    trial.identity = node_four(IDENTITY_ADMITTED, true);
    assert_stands(&trial, STANDING_GOES_ON);
    trial.config.node_id = 4;
    assert_stands(&trial, STANDING_GOES_ON);
}

static void a_list_forms_a_cluster_once(void **state) {
    (void)state;
    struct trial trial = {.config = plain(), .list = list_of(CLUSTER)};
    trial.config.node_id = 2;
    assert_stands(&trial, STANDING_FORMS);
    assert_int_equal(trial.identity.state, IDENTITY_MEMBER);
    assert_int_equal(trial.identity.node, 2);
    assert_int_equal(trial.identity.first.count, 2);
    assert_string_equal(trial.identity.known.items[1].address, "b:1");
    assert_false(trial.identity.joined);
    trial.used = true;
    assert_stands(&trial, STANDING_GOES_ON);
    trial.config.node_id = 1;
    assert_refused(&trial, ERR_CONFLICT, "is that of node 2, and node-id is 1");
    trial.config.node_id = 2;
    trial.list = list_of(OTHER_CLUSTER);
    assert_refused(&trial, ERR_CONFLICT, "belongs to the cluster c1000000");
    trial.list = list_of(CLUSTER);
    trial.config.join = "a:8080";
    assert_refused(&trial, ERR_INVALID, "give one of them");
    trial.config.join = "";
    trial.identity = node_four(IDENTITY_MEMBER, true);
    assert_refused(&trial, ERR_INVALID, "take --cluster away");
}

static void who_joins_needs_an_empty_store_and_an_address(void **state) {
    (void)state;
    struct trial trial = {.config = plain()};
    trial.config.join = "a:8080,b:8080";
    assert_refused(&trial, ERR_INVALID, "--cluster-address");
    trial.config.cluster_address = "here";
    assert_refused(&trial, ERR_INVALID, "'here' is none");
    trial.config.cluster_address = "here:7100";
    assert_stands(&trial, STANDING_ASKS);
    trial.used = true;
    assert_refused(&trial, ERR_CONFLICT, "needs an empty store");
    trial.used = false;
    trial.identity.state = IDENTITY_ASKS;
    assert_stands(&trial, STANDING_ASKS);
    trial.config.join = "";
    assert_refused(&trial, ERR_INVALID, "--join says which");
    // Once it is in, the flag may stay.
    trial.config.join = "a:8080";
    trial.used = true;
    trial.identity = node_four(IDENTITY_MEMBER, true);
    assert_stands(&trial, STANDING_GOES_ON);
    trial.config.node_id = 3;
    assert_refused(&trial, ERR_CONFLICT, "is that of node 4, and node-id is 3");
}

static void what_left_or_lost_its_disk_does_not_come_back(void **state) {
    (void)state;
    struct trial trial = {.config = plain(), .used = true};
    trial.identity = node_four(IDENTITY_LEFT, true);
    assert_refused(&trial, ERR_CONFLICT, "node 4 has left");
    trial.used = false;
    trial.identity = node_four(IDENTITY_MEMBER, true);
    assert_refused(&trial, ERR_CORRUPT, "--join as a new node");
    trial.identity = node_four(IDENTITY_MEMBER, false);
    assert_refused(&trial, ERR_CORRUPT, "start it as before");
    trial.list = list_of(CLUSTER);
    assert_refused(&trial, ERR_CORRUPT, "start it as before");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_settings_a_store_says_all),
        cmocka_unit_test(a_list_forms_a_cluster_once),
        cmocka_unit_test(who_joins_needs_an_empty_store_and_an_address),
        cmocka_unit_test(what_left_or_lost_its_disk_does_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
