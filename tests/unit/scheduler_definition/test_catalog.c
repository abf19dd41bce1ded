// scheduler/definition: rows of definitions, the frozen snapshot, and starts that cost a look-up.
#include "proto/json/json.h"
#include "tests/unit/scheduler_definition/store_fixture.h"

#include <string.h>

// Registers a definition as a client would send it.
static void
put(struct store_fixture *fixture,
    enum catalog_kind kind,
    const char *name,
    int32_t version,
    const char *text) {
    bytes json = BYTES_EMPTY;
    bytes canonical = BYTES_EMPTY;
    const struct api_model *model =
        kind == CATALOG_TASK ? &api_task_definition_model : &api_workflow_definition_model;
    assert_ok(json_validate(bytes_from_text(text), fixture->arena, &json));
    assert_ok(api_bind(model, json, fixture->arena, &canonical));
    struct store_txn *txn = store_fixture_txn(fixture);
    catalog_put(txn, kind, bytes_from_text(name), version, canonical);
    store_fixture_commit(fixture, txn);
}

static bytes frozen(struct store_fixture *fixture, const char *text) {
    bytes json = BYTES_EMPTY;
    bytes canonical = BYTES_EMPTY;
    bytes snapshot = BYTES_EMPTY;
    hash128 hash = {0, 0};
    assert_ok(json_validate(bytes_from_text(text), fixture->arena, &json));
    assert_ok(api_bind(&api_workflow_definition_model, json, fixture->arena, &canonical));
    assert_ok(catalog_freeze(fixture->store, canonical, fixture->arena, &snapshot, &hash));
    assert_true(hash128_equal(hash, hash_sip128(snapshot)));
    bytes bound = BYTES_EMPTY;
    assert_ok(json_validate(snapshot, fixture->arena, &bound));
    assert_ok(api_bind(&api_workflow_definition_model, bound, fixture->arena, &bound));
    assert_true(json_equal(bound, snapshot));
    return snapshot;
}

// The compiled task of a snapshot; the cache dies with the arena's test.
static const struct definition_task *
task_in(struct definition_cache *cache, bytes snapshot, const char *reference) {
    const struct definition *definition = NULL;
    assert_ok(definition_cache_compile(cache, hash_sip128(snapshot), snapshot, &definition));
    const struct definition_task *task = definition_find(definition, bytes_from_text(reference));
    assert_non_null(task);
    return task;
}

#define TASK(ref) "{\"name\":\"" ref "\",\"taskReferenceName\":\"" ref "\"}"
#define TASK_OF(ref, type, rest) \
    "{\"name\":\"" ref "\",\"taskReferenceName\":\"" ref "\",\"type\":\"" type "\"" rest "}"
#define WORKFLOW(tasks) "{\"name\":\"w\",\"tasks\":[" tasks "]}"

static void case_5_the_latest_version_is_the_highest(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    put(&fixture, CATALOG_WORKFLOW, "w", 3, "{\"name\":\"w\",\"version\":3}");
    put(&fixture, CATALOG_WORKFLOW, "w", 1, "{\"name\":\"w\",\"version\":1}");
    put(&fixture, CATALOG_WORKFLOW, "w", -5, "{\"name\":\"w\",\"version\":-5}");
    put(&fixture, CATALOG_WORKFLOW, "wx", 9, "{\"name\":\"wx\",\"version\":9}");
    bytes json = BYTES_EMPTY;
    bytes version = BYTES_EMPTY;
    bytes name = BYTES_LITERAL("w");
    assert_ok(catalog_workflow(fixture.store, name, 0, fixture.arena, &json));
    assert_true(json_get_text(json, "version", &version));
    assert_bytes_text(version, "3");
    assert_ok(catalog_workflow(fixture.store, name, 1, fixture.arena, &json));
    assert_true(json_get_text(json, "version", &version));
    assert_bytes_text(version, "1");
    err missing = catalog_workflow(fixture.store, name, 2, fixture.arena, &json);
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such workflow defined. name=w, version=2");
    missing = catalog_workflow(fixture.store, BYTES_LITERAL("v"), 0, fixture.arena, &json);
    assert_string_equal(missing.text, "No such workflow defined. name=v, version=null");
    assert_err(
        catalog_workflow(fixture.store, BYTES_LITERAL(" "), 0, fixture.arena, &json), ERR_INVALID
    );
    missing = catalog_task(fixture.store, name, fixture.arena, &json);
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such taskType found by name: w");
    store_fixture_end(&fixture);
}

static void names_longer_than_a_key_are_told_apart(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    char first[400];
    char second[400];
    memset(first, 'x', sizeof first);
    first[399] = 0;
    memcpy(second, first, sizeof second);
    second[398] = 'y';
    put(&fixture, CATALOG_TASK, first, 0, arena_format(fixture.arena, "{\"name\":\"%s\"}", first));
    bytes json = BYTES_EMPTY;
    assert_ok(catalog_task(fixture.store, bytes_from_text(first), fixture.arena, &json));
    assert_err(
        catalog_task(fixture.store, bytes_from_text(second), fixture.arena, &json), ERR_NOT_FOUND
    );
    store_fixture_end(&fixture);
}

static void every_task_of_the_tree_gets_its_definition(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    struct definition_cache *cache = definition_cache_create(4);
    put(&fixture, CATALOG_TASK, "a", 0, "{\"name\":\"a\",\"retryCount\":7}");
    put(&fixture, CATALOG_TASK, "h", 0, "{\"name\":\"h\",\"retryCount\":5}");
    bytes snapshot = frozen(
        &fixture,
        WORKFLOW(
            TASK("a") "," TASK("plain") "," TASK_OF("h", "HTTP", "") "," TASK_OF("own", "SIMPLE", ",\"taskDefinition\":{\"name\":\"own\",\"retryCount\":9}") "," TASK_OF("mine", "MY_TYPE", "") "," TASK_OF(
                "s",
                "SWITCH",
                ",\"decisionCases\":{\"1\":[" TASK_OF(
                    "f", "FORK_JOIN", ",\"forkTasks\":[[" TASK("deep") "]]"
                ) "]},\"defaultCase\":[" TASK_OF("l", "DO_WHILE", ",\"loopOver\":[" TASK("looped") "]") "]"
            )
        )
    );
    assert_int_equal(task_in(cache, snapshot, "a")->task_definition.retry_count, 7);
    assert_int_equal(task_in(cache, snapshot, "h")->task_definition.retry_count, 5);
    assert_int_equal(task_in(cache, snapshot, "own")->task_definition.retry_count, 9);
    const char *const simple[] = {"plain", "deep", "looped"};
    for (size_t i = 0; i < 3; i++) {
        const struct definition_task *task = task_in(cache, snapshot, simple[i]);
        assert_true(task->has_task_definition);
        assert_int_equal(task->task_definition.retry_count, 3);
        assert_int_equal(task->task_definition.retry_delay_seconds, 60);
        assert_int_equal(task->task_definition.response_timeout_seconds, 3600);
        assert_true(bytes_equal_text(task->task_definition.name, simple[i]));
    }
    const char *const others[] = {"mine", "s", "f", "l"};
    for (size_t i = 0; i < 4; i++) {
        const struct definition_task *task = task_in(cache, snapshot, others[i]);
        assert_true(task->has_task_definition);
        assert_int_equal(task->task_definition.retry_count, 0);
        assert_int_equal(task->task_definition.response_timeout_seconds, 0);
    }
    definition_cache_destroy(&cache);
    store_fixture_end(&fixture);
}

static bytes sub_workflow_version(struct definition_cache *cache, bytes snapshot, const char *ref) {
    bytes version = BYTES_LITERAL("none");
    const struct definition_task *task = task_in(cache, snapshot, ref);
    (void)json_get_text(task->model.sub_workflow_param, "version", &version);
    return version;
}

static void versions_of_sub_workflows_are_pinned(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    struct definition_cache *cache = definition_cache_create(4);
    put(&fixture, CATALOG_WORKFLOW, "child", 2, "{\"name\":\"child\",\"version\":2}");
    put(&fixture, CATALOG_WORKFLOW, "child", 4, "{\"name\":\"child\",\"version\":4}");
    bytes snapshot = frozen(
        &fixture,
        WORKFLOW(
            TASK_OF("latest", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"name\":\"child\"}") "," TASK_OF("pinned", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"name\":\"gone\",\"version\":1}") "," TASK_OF(
                "loop",
                "DO_WHILE",
                ",\"loopOver\":[" TASK_OF(
                    "nested", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"name\":\"child\"}"
                ) "]"
            ) "," TASK_OF("later", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"workflowDefinition\":\"${workflow.input.d}\"}")
        )
    );
    assert_bytes_text(sub_workflow_version(cache, snapshot, "latest"), "4");
    assert_bytes_text(sub_workflow_version(cache, snapshot, "pinned"), "1");
    assert_bytes_text(sub_workflow_version(cache, snapshot, "nested"), "4");
    assert_bytes_text(sub_workflow_version(cache, snapshot, "later"), "none");
    definition_cache_destroy(&cache);
    store_fixture_end(&fixture);
}

static void an_inline_definition_is_not_touched(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    struct definition_cache *cache = definition_cache_create(4);
    bytes snapshot = frozen(
        &fixture,
        WORKFLOW(TASK_OF(
            "s",
            "SUB_WORKFLOW",
            ",\"subWorkflowParam\":{\"workflowDefinition\":{\"name\":\"in\",\"tasks\":[" TASK("x"
            ) "]}}"
        ))
    );
    const struct definition_task *task = task_in(cache, snapshot, "s");
    bytes inner = BYTES_EMPTY;
    bytes tasks = BYTES_EMPTY;
    bytes first = BYTES_EMPTY;
    assert_true(json_get_text(task->model.sub_workflow_param, "workflowDefinition", &inner));
    assert_true(json_get_text(inner, "tasks", &tasks));
    struct json_iter iter = json_iter(tasks);
    assert_true(json_next_element(&iter, &first));
    assert_false(json_get_text(first, "taskDefinition", &tasks));
    definition_cache_destroy(&cache);
    store_fixture_end(&fixture);
}

static void a_sub_workflow_nobody_registered_makes_the_start_fail(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    const char *const texts[] = {
        WORKFLOW(TASK_OF("s", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"name\":\"gone\"}")),
        WORKFLOW(TASK_OF("s", "SUB_WORKFLOW", ",\"subWorkflowParam\":{\"name\":\"${x.y}\"}")),
        WORKFLOW(TASK_OF("s", "SUB_WORKFLOW", "")),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bytes snapshot = BYTES_EMPTY;
        hash128 hash = {0, 0};
        err failed = catalog_freeze(
            fixture.store, bytes_from_text(texts[i]), fixture.arena, &snapshot, &hash
        );
        assert_err(failed, ERR_ILLEGAL_STATE);
        assert_string_equal(
            failed.text,
            "The Task s defined as a sub-workflow has no workflow definition available "
        );
    }
    store_fixture_end(&fixture);
}

static void case_14_a_start_sees_the_catalog_as_it_is_now(void **state) {
    (void)state;
    struct store_fixture fixture;
    store_fixture_begin(&fixture);
    struct definition_cache *cache = definition_cache_create(8);
    const struct definition *first = NULL;
    const struct definition *second = NULL;
    bytes name = BYTES_LITERAL("w");
    put(&fixture, CATALOG_WORKFLOW, "w", 1, WORKFLOW(TASK("a")));
    assert_ok(catalog_start_definition(cache, fixture.store, name, 0, fixture.arena, &first));
    size_t used = arena_used(fixture.arena);
    assert_ok(catalog_start_definition(cache, fixture.store, name, 0, fixture.arena, &second));
    assert_ptr_equal(first, second);
    assert_int_equal(arena_used(fixture.arena), used);

    hash128 before = first->hash;
    put(&fixture, CATALOG_TASK, "a", 0, "{\"name\":\"a\",\"retryCount\":5}");
    assert_ok(catalog_start_definition(cache, fixture.store, name, 0, fixture.arena, &second));
    assert_false(hash128_equal(second->hash, before));
    assert_int_equal(second->tasks[0].task_definition.retry_count, 5);
    assert_non_null(definition_cache_find(cache, before));

    put(&fixture, CATALOG_WORKFLOW, "w", 2, "{\"name\":\"w\",\"version\":2,\"tasks\":[]}");
    assert_ok(catalog_start_definition(cache, fixture.store, name, -1, fixture.arena, &second));
    assert_int_equal(second->model.version, 2);
    assert_ok(catalog_start_definition(cache, fixture.store, name, 1, fixture.arena, &second));
    assert_int_equal(second->model.version, 1);
    assert_err(
        catalog_start_definition(cache, fixture.store, name, 7, fixture.arena, &second),
        ERR_NOT_FOUND
    );
    definition_cache_destroy(&cache);
    store_fixture_end(&fixture);
}

// What a leader has made, at a follower.
static void follow(struct store_fixture *follower, const struct store_fixture *leader) {
    log_index next = store_group(follower->store, CATALOG_GROUP).last_index + 1;
    struct store_entry entry;
    log_lsn lsn = 0;
    assert_ok(store_entry_read(leader->store, CATALOG_GROUP, next, &entry));
    assert_ok(store_append(follower->store, CATALOG_GROUP, &entry, &lsn));
}

// An entry that is appended is not yet read; when it is committed no newer one tells.
static void a_start_at_a_follower_sees_a_change_once_it_is_committed(void **state) {
    (void)state;
    struct store_fixture leader;
    struct store_fixture follower;
    store_fixture_begin(&leader);
    store_fixture_begin(&follower);
    struct definition_cache *cache = definition_cache_create(8);
    const struct definition *found = NULL;
    bytes name = BYTES_LITERAL("w");
    put(&leader, CATALOG_WORKFLOW, "w", 1, "{\"name\":\"w\",\"version\":1,\"tasks\":[]}");
    follow(&follower, &leader);
    store_commit(follower.store, CATALOG_GROUP, 1);
    put(&leader, CATALOG_WORKFLOW, "w", 2, "{\"name\":\"w\",\"version\":2,\"tasks\":[]}");
    follow(&follower, &leader);
    assert_ok(catalog_start_definition(cache, follower.store, name, 0, follower.arena, &found));
    assert_int_equal(found->model.version, 1);
    store_commit(follower.store, CATALOG_GROUP, 2);
    assert_ok(catalog_start_definition(cache, follower.store, name, 0, follower.arena, &found));
    assert_int_equal(found->model.version, 2);
    definition_cache_destroy(&cache);
    store_fixture_end(&leader);
    store_fixture_end(&follower);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_5_the_latest_version_is_the_highest),
        cmocka_unit_test(names_longer_than_a_key_are_told_apart),
        cmocka_unit_test(every_task_of_the_tree_gets_its_definition),
        cmocka_unit_test(versions_of_sub_workflows_are_pinned),
        cmocka_unit_test(an_inline_definition_is_not_touched),
        cmocka_unit_test(a_sub_workflow_nobody_registered_makes_the_start_fail),
        cmocka_unit_test(case_14_a_start_sees_the_catalog_as_it_is_now),
        cmocka_unit_test(a_start_at_a_follower_sees_a_change_once_it_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
