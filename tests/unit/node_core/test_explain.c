// GET /api/cluster/explain: any node says what the leader's rows say of an execution.
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

static const char *const TASK =
    "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":500}]";
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"first\"}]}";

static void explain(struct cluster *cluster, int at, const char *id, uint16_t status) {
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/cluster/explain/%s", id);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), status);
}

static void has(const struct cluster *cluster, const char *words) {
    if (strstr(cluster->body, words) == NULL) {
        fail_msg("'%s' is not in %s", words, cluster->body);
    }
}

static void any_node_explains_an_execution_from_its_leaders_rows(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    memcpy(id, cluster->body, sizeof(id));
    for (int at = 0; at < CLUSTER_NODES; at++) {
        explain(cluster, at, id, 200);
        has(cluster, "\"leader\":1,"); // asked there, begun there
        has(cluster, "\"copies\":[1,");
        has(cluster, "\"status\":\"RUNNING\"");
        has(cluster, "\"openTasks\":1,");
        has(cluster, "\"referenceTaskName\":\"first\"");
        has(cluster, "\"queue\":{\"name\":\"a\",\"place\":\"ready\"");
        has(cluster, "\"missing\":false");
        has(cluster, "\"messages\":[]");
        assert_null(strstr(cluster->body, "\"missing\":true"));
    }
    assert_int_equal(cluster_ask(cluster, 1, "GET", "/api/tasks/poll/a?workerid=me", ""), 200);
    explain(cluster, 2, id, 200);
    has(cluster, "\"place\":\"claimed\"");
    has(cluster, "\"workerId\":\"me\"");
    has(cluster, "\"timer\":{\"dueMs\":");
}

static void who_is_unknown_cannot_be_explained(void **state) {
    struct cluster *cluster = *state;
    explain(cluster, 1, "2b301a21-00db-422f-933d-332c10f82d68", 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            any_node_explains_an_execution_from_its_leaders_rows, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            who_is_unknown_cannot_be_explained, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
