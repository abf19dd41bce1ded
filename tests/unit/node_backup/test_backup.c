// node/backup: a backup of three nodes that work, verified, and restored into three others.
#include "node/backup/restore.h"
#include "node/backup/take.h"
#include "node/backup/verify/verify.h"
#include "proto/limits.h"
#include "tests/unit/node_backup/shelf.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const TASK =
    "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":600}]";
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
static const char *const PARENT = "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\","
                                  "\"taskReferenceName\":\"s\",\"type\":\"SUB_WORKFLOW\","
                                  "\"subWorkflowParam\":{\"name\":\"w\",\"version\":1}}]}";

struct tale {
    struct cluster *cluster;
    struct shelf *shelf;
    struct backup_folder folder;
    struct backup_server server;
    struct backup_session session;
    struct arena *arena;
    int at;     // the node that is asked
    int starts; // of parents while a backup is taken, one a question
    char ids[64][ID_TEXT_BYTES + 1];
    int id_count;
    int questions_left; // then nobody answers; -1: always
    int faults;
};

static void start(struct tale *tale) {
    int status = cluster_ask(tale->cluster, 1, "POST", "/api/workflow/p", "{}");
    assert_int_equal(status, 200);
    assert_true(tale->id_count < 64);
    memcpy(tale->ids[tale->id_count++], tale->cluster->body, ID_TEXT_BYTES + 1);
}

static err
ask(void *argument,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer) {
    struct tale *tale = argument;
    char target[512];
    if (tale->questions_left == 0) {
        return err_make(ERR_INVALID, "nobody answers any more");
    }
    tale->questions_left -= tale->questions_left > 0;
    (void)snprintf(target, sizeof(target), "%s?%s", question->path, question->query);
    uint64_t id =
        cluster_send_bytes(tale->cluster, tale->at, question->method, target, question->body);
    (void)cluster_wait(tale->cluster, id, 20000);
    *out_answer = (struct backup_answer){
        .status = tale->cluster->status,
        .body = arena_copy(arena, bytes_of(tale->cluster->body, tale->cluster->body_size)),
    };
    if (tale->starts > 0) {
        tale->starts--;
        start(tale);
    }
    return ERR_NONE;
}

static void wait_ms(void *argument, int64_t ms) {
    struct tale *tale = argument;
    cluster_run(tale->cluster, ms);
}

static int64_t now_ms(void *argument) {
    struct tale *tale = argument;
    return tale->cluster->mono.ns / 1000000;
}

static void say(void *argument, const char *line) {
    struct tale *tale = argument;
    if (getenv("TALE") != NULL) {
        (void)printf("%s\n", line);
    }
    tale->faults += strstr(line, "waits") != NULL;
}

static int setup(void **state) {
    struct tale *tale = calloc(1, sizeof(*tale));
    assert_non_null(tale);
    void *cluster = NULL;
    cluster_setup(&cluster);
    tale->cluster = cluster;
    tale->arena = arena_create(4096);
    tale->shelf = shelf_create();
    tale->folder = shelf_folder(tale->shelf);
    tale->server = (struct backup_server){tale, ask, wait_ms, now_ms};
    tale->session = (struct backup_session){&tale->server, &tale->folder, say, tale};
    tale->questions_left = -1;
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", PARENT), 200);
    *state = tale;
    return 0;
}

static int teardown(void **state) {
    struct tale *tale = *state;
    void *cluster = tale->cluster;
    cluster_teardown(&cluster);
    shelf_destroy(&tale->shelf);
    arena_destroy(&tale->arena);
    free(tale);
    return 0;
}

static void take(struct tale *tale) {
    struct backup_taken taken;
    assert_ok(backup_take(&tale->session, 0, tale->arena, &taken));
    assert_int_equal(taken.partitions, CLUSTER_GROUPS);
    tale->starts = 0;
}

static void verify(struct tale *tale) {
    struct backup_verdict verdict;
    assert_ok(backup_verify(&tale->session, tale->arena, &verdict));
    assert_int_equal(verdict.faults, 0);
}

// Another cluster takes the place of the first.
static void new_cluster(struct tale *tale) {
    void *cluster = tale->cluster;
    cluster_teardown(&cluster);
    cluster_setup(&cluster);
    tale->cluster = cluster;
}

static void restore(struct tale *tale) {
    struct backup_restored restored;
    assert_ok(backup_restore(&tale->session, tale->arena, &restored));
    cluster_run(tale->cluster, 1000);
}

// Does tasks until there are none.
static void work_off(struct tale *tale) {
    struct cluster *cluster = tale->cluster;
    for (int round = 0; round < 100; round++) {
        cluster_ask(cluster, 2, "GET", "/api/tasks/poll/batch/a?count=1&timeout=1000", "");
        const char *task = strstr(cluster->body, "\"taskId\":\"");
        const char *workflow = strstr(cluster->body, "\"workflowInstanceId\":\"");
        if (task == NULL || workflow == NULL) {
            return;
        }
        char body[256];
        (void)snprintf(
            body,
            sizeof(body),
            "{\"taskId\":\"%.36s\",\"workflowInstanceId\":\"%.36s\",\"status\":\"COMPLETED\"}",
            task + strlen("\"taskId\":\""),
            workflow + strlen("\"workflowInstanceId\":\"")
        );
        assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/tasks", body), 200);
    }
}

static int completed(struct tale *tale, int count) {
    int done = 0;
    char target[128];
    for (int i = 0; i < count; i++) {
        (void)snprintf(target, sizeof(target), "/api/workflow/%s/status", tale->ids[i]);
        assert_int_equal(cluster_ask(tale->cluster, 0, "GET", target, ""), 200);
        done += strstr(tale->cluster->body, "COMPLETED") != NULL;
    }
    return done;
}

static void what_was_started_before_a_backup_ends_where_it_is_restored(void **state) {
    struct tale *tale = *state;
    for (int i = 0; i < 12; i++) {
        start(tale);
    }
    int before = tale->id_count;
    tale->starts = 30;
    take(tale);
    verify(tale);
    new_cluster(tale);
    restore(tale);
    work_off(tale);
    cluster_run(tale->cluster, 2000);
    assert_int_equal(completed(tale, before), before);
}

static void a_cluster_that_is_restored_is_closed_until_all_is_there(void **state) {
    struct tale *tale = *state;
    for (int i = 0; i < 12; i++) {
        start(tale);
    }
    take(tale);
    new_cluster(tale);
    struct backup_restored restored;
    tale->questions_left = 2 * CLUSTER_GROUPS - 2; // all begun, some loaded
    assert_err(backup_restore(&tale->session, tale->arena, &restored), ERR_INVALID);
    cluster_ask(tale->cluster, 0, "GET", "/api/tasks/poll/batch/a?count=9&timeout=500", "");
    assert_int_equal(tale->cluster->status, 200);
    assert_null(strstr(tale->cluster->body, "taskId"));
    assert_int_equal(cluster_ask(tale->cluster, 0, "POST", "/api/workflow/p", "{}"), 503);
    assert_non_null(strstr(tale->cluster->body, "being restored"));
    cluster_kill(tale->cluster, 1); // its groups are led by others, which must know
    cluster_run(tale->cluster, 3000);
    cluster_start(tale->cluster, 1);
    cluster_run(tale->cluster, 3000);
    tale->questions_left = -1;
    restore(tale);
    work_off(tale);
    cluster_run(tale->cluster, 2000);
    assert_int_equal(completed(tale, 12), 12);
}

static void a_backup_that_was_cut_short_goes_on(void **state) {
    struct tale *tale = *state;
    struct backup_taken taken;
    for (int i = 0; i < 12; i++) {
        start(tale);
    }
    tale->questions_left = 7;
    assert_err(backup_take(&tale->session, 0, tale->arena, &taken), ERR_INVALID);
    struct backup_verdict verdict;
    assert_err(backup_verify(&tale->session, tale->arena, &verdict), ERR_NOT_FOUND);
    tale->questions_left = -1;
    tale->starts = 5;
    take(tale);
    verify(tale);
    assert_err(backup_take(&tale->session, 0, tale->arena, &taken), ERR_CONFLICT);
}

static void begin_at(struct tale *tale, const char *target, int status, const char *text) {
    assert_int_equal(cluster_ask(tale->cluster, 1, "POST", target, ""), status);
    assert_non_null(strstr(tale->cluster->body, text));
}

// Two at a time would cut into each other.
static void a_second_backup_is_told_of_the_first(void **state) {
    struct tale *tale = *state;
    begin_at(tale, "/api/backup", 200, "\"backup\":1");
    begin_at(tale, "/api/backup", 409, "backup 1 is being taken");
    assert_int_equal(
        cluster_ask(tale->cluster, 2, "PUT", "/api/backup?backup=1&scanned=3", ""), 200
    );
    cluster_run(tale->cluster, LIMIT_BACKUP_TURN_MS - 1000);
    begin_at(tale, "/api/backup", 409, "3 of ");
    begin_at(tale, "/api/backup?after=1", 200, "\"backup\":2"); // the same client, cut in between
    begin_at(tale, "/api/backup?after=1", 409, "backup 2 is being taken");
    assert_int_equal(
        cluster_ask(tale->cluster, 2, "PUT", "/api/backup?backup=1&done=true", ""), 200
    );
    begin_at(tale, "/api/backup", 409, "backup 2 is being taken"); // another's end is not its end
    assert_int_equal(
        cluster_ask(tale->cluster, 0, "PUT", "/api/backup?backup=2&done=true", ""), 200
    );
    begin_at(tale, "/api/backup", 200, "\"backup\":3");
    struct backup_taken taken;
    assert_ok(backup_take(&tale->session, 0, tale->arena, &taken)
    ); // nothing is heard of 3 any more
    assert_int_equal(taken.number, 4);
    begin_at(tale, "/api/backup", 200, "\"backup\":5"); // 4 said that it is done
    assert_int_equal(cluster_ask(tale->cluster, 0, "PUT", "/api/backup", ""), 400);
}

static void a_cluster_with_anything_in_it_is_not_restored_into(void **state) {
    struct tale *tale = *state;
    struct backup_restored restored;
    start(tale);
    take(tale);
    err refused = backup_restore(&tale->session, tale->arena, &restored);
    assert_err(refused, ERR_CONFLICT);
    assert_non_null(strstr(refused.text, "is not empty"));
}

static void a_damaged_file_is_found(void **state) {
    struct tale *tale = *state;
    for (int i = 0; i < 12; i++) {
        start(tale);
    }
    take(tale);
    verify(tale);
    assert_true(shelf_damage(tale->shelf, "partition-00003.rows", 200));
    struct backup_verdict verdict;
    err found = backup_verify(&tale->session, tale->arena, &verdict);
    assert_err(found, ERR_CORRUPT);
    assert_non_null(strstr(found.text, "partition-00003.rows"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_backup_is_told_of_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_was_started_before_a_backup_ends_where_it_is_restored, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_cluster_that_is_restored_is_closed_until_all_is_there, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(a_backup_that_was_cut_short_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_cluster_with_anything_in_it_is_not_restored_into, setup, teardown
        ),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_found, setup, teardown),
    };
    return cmocka_run_group_tests_name("node/backup", tests, NULL, NULL);
}
