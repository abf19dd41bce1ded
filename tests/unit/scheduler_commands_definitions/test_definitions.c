// scheduler/commands/definitions: M-1 … M-15, each command a transaction of its own.
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "tests/unit/scheduler_definition/store_fixture.h"

#include <string.h>

struct fixture {
    struct store_fixture store;
    struct scheduler_settings settings;
    struct decision decision;
    struct api_violations violations;
    struct reply reply;
};

static void fixture_begin(struct fixture *fixture) {
    *fixture = (struct fixture){.settings = {.group_count = 2}};
    store_fixture_begin(&fixture->store);
}

static void fixture_end(struct fixture *fixture) {
    store_fixture_end(&fixture->store);
}

static struct decision *decision_begin(struct fixture *fixture) {
    fixture->decision = (struct decision){
        .store = fixture->store.store,
        .txn = store_fixture_txn(&fixture->store),
        .arena = fixture->store.arena,
        .now = {fixture->store.now_ms},
        .settings = &fixture->settings,
    };
    api_violations_init(&fixture->violations, fixture->store.arena);
    fixture->reply = (struct reply){0};
    return &fixture->decision;
}

// As the caller ends it: an error leaves nothing behind.
static err decision_end(struct fixture *fixture, err done) {
    if (err_is(done)) {
        store_txn_abort(&fixture->decision.txn);
    } else {
        assert_int_equal(fixture->reply.status, 200);
        store_fixture_commit(&fixture->store, fixture->decision.txn);
    }
    return done;
}

static bytes valid(struct fixture *fixture, const char *text) {
    bytes json = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(text), fixture->store.arena, &json));
    return json;
}

static err register_one(struct fixture *fixture, const char *text, bool overwrite) {
    struct decision *decision = decision_begin(fixture);
    bytes json = valid(fixture, text);
    return decision_end(
        fixture,
        register_workflow(decision, json, overwrite, false, &fixture->violations, &fixture->reply)
    );
}

static err update_all(struct fixture *fixture, const char *text) {
    struct decision *decision = decision_begin(fixture);
    bytes json = valid(fixture, text);
    return decision_end(
        fixture, update_workflows(decision, json, &fixture->violations, &fixture->reply)
    );
}

static err get_one(struct fixture *fixture, const char *name, bool has_version, int64_t version) {
    struct decision *decision = decision_begin(fixture);
    return decision_end(
        fixture,
        get_workflow_definition(
            decision, bytes_from_text(name), has_version, version, &fixture->reply
        )
    );
}

static err register_task_list(struct fixture *fixture, const char *text) {
    struct decision *decision = decision_begin(fixture);
    bytes json = valid(fixture, text);
    return decision_end(
        fixture, register_tasks(decision, json, &fixture->violations, &fixture->reply)
    );
}

static err update_one_task(struct fixture *fixture, const char *text) {
    struct decision *decision = decision_begin(fixture);
    bytes json = valid(fixture, text);
    return decision_end(
        fixture, update_task_definition(decision, json, &fixture->violations, &fixture->reply)
    );
}

static err get_one_task(struct fixture *fixture, const char *name) {
    struct decision *decision = decision_begin(fixture);
    return decision_end(
        fixture, get_task_definition(decision, bytes_from_text(name), &fixture->reply)
    );
}

static err list_all(struct fixture *fixture, const char *classifier, bool latest_only) {
    struct decision *decision = decision_begin(fixture);
    return decision_end(
        fixture,
        list_workflow_definitions(
            decision, bytes_from_text(classifier), latest_only, &fixture->reply
        )
    );
}

static void assert_reply(struct fixture *fixture, const char *expected) {
    bytes ignored = BYTES_EMPTY;
    assert_int_equal(fixture->reply.kind, REPLY_JSON);
    assert_ok(json_validate(fixture->reply.body, fixture->store.arena, &ignored));
    if (!json_equal(fixture->reply.body, valid(fixture, expected))) {
        print_error("%.*s\n", BYTES_ARG(fixture->reply.body));
        fail();
    }
}

static void assert_member(struct fixture *fixture, const char *key, const char *expected) {
    bytes value = BYTES_LITERAL("absent");
    (void)json_get_text(fixture->reply.body, key, &value);
    assert_string_equal(arena_text(fixture->store.arena, value), expected);
}

// The `name.version` of each definition of an answered list, joined by blanks.
static void assert_listed(struct fixture *fixture, const char *expected) {
    char listed[256] = "";
    struct json_iter iter = json_iter(fixture->reply.body);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        bytes name = BYTES_EMPTY;
        bytes version = BYTES_LITERAL("-");
        assert_true(json_get_text(element, "name", &name));
        (void)json_get_text(element, "version", &version);
        name = json_string(name, fixture->store.arena);
        const char *one =
            arena_format(fixture->store.arena, "%.*s.%.*s ", BYTES_ARG(name), BYTES_ARG(version));
        strcat(listed, one);
    }
    assert_string_equal(listed, expected);
}

#define TASKS "\"tasks\":[{\"name\":\"t\",\"taskReferenceName\":\"t\"}]"
#define WORKFLOW(name, version) "{\"name\":\"" name "\",\"version\":" version "," TASKS "}"

static void m_1_stores_with_defaults_and_its_time(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(register_one(&fixture, "{\"name\":\"w\",\"unknown\":1," TASKS "}", false));
    assert_int_equal(fixture.reply.kind, REPLY_VOID);
    assert_ok(get_one(&fixture, "w", false, 0));
    assert_member(&fixture, "version", "1");
    assert_member(&fixture, "createTime", "1000");
    assert_member(&fixture, "updateTime", "0");
    assert_member(&fixture, "timeoutPolicy", "\"ALERT_ONLY\"");
    assert_member(&fixture, "unknown", "absent");
    fixture_end(&fixture);
}

static void case_272_m_1_refuses_what_is_there_and_overwrites_when_told(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(register_one(&fixture, WORKFLOW("w", "2"), false));
    fixture.store.now_ms = 2000;
    err again = register_one(&fixture, WORKFLOW("w", "2"), false);
    assert_err(again, ERR_CONFLICT);
    assert_string_equal(again.text, "Workflow with w.2 already exists!");
    assert_ok(register_one(
        &fixture, "{\"name\":\"w\",\"version\":2,\"description\":\"new\"," TASKS "}", true
    ));
    assert_ok(get_one(&fixture, "w", true, 2));
    assert_member(&fixture, "description", "\"new\"");
    assert_member(&fixture, "createTime", "1000");
    assert_member(&fixture, "updateTime", "2000");
    assert_ok(register_one(&fixture, WORKFLOW("fresh", "1"), true));
    assert_ok(get_one(&fixture, "fresh", true, 1));
    assert_member(&fixture, "createTime", "2000");
    fixture_end(&fixture);
}

static void m_1_reports_every_violation_and_stores_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_err(register_one(&fixture, "{\"name\":\"\",\"schemaVersion\":1}", false), ERR_INVALID);
    assert_true(fixture.violations.count >= 3);
    assert_ok(list_all(&fixture, "", false));
    assert_reply(&fixture, "[]");
    fixture_end(&fixture);
}

static void m_2_validates_and_stores_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    struct decision *decision = decision_begin(&fixture);
    bytes json = valid(&fixture, WORKFLOW("w", "1"));
    assert_ok(decision_end(
        &fixture,
        register_workflow(decision, json, false, true, &fixture.violations, &fixture.reply)
    ));
    assert_err(get_one(&fixture, "w", false, 0), ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void an_http_task_may_have_its_request_in_the_registered_template(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    const char *workflow = "{\"name\":\"w\",\"tasks\":[{\"name\":\"call\","
                           "\"taskReferenceName\":\"c\",\"type\":\"HTTP\"}]}";
    assert_err(register_one(&fixture, workflow, false), ERR_INVALID);
    assert_ok(register_task_list(
        &fixture, "[{\"name\":\"call\",\"inputTemplate\":{\"http_request\":{\"uri\":\"u\"}}}]"
    ));
    assert_ok(register_one(&fixture, workflow, false));
    fixture_end(&fixture);
}

static void m_3_creates_and_replaces_all_or_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(register_one(&fixture, WORKFLOW("a", "1"), false));
    fixture.store.now_ms = 3000;
    assert_ok(update_all(&fixture, "[" WORKFLOW("a", "1") "," WORKFLOW("b", "1") "]"));
    assert_reply(&fixture, "{\"bulkErrorResults\":{},\"bulkSuccessfulResults\":[\"a\",\"b\"]}");
    assert_ok(get_one(&fixture, "a", false, 0));
    assert_member(&fixture, "createTime", "1000");
    assert_member(&fixture, "updateTime", "3000");
    assert_ok(get_one(&fixture, "b", false, 0));
    assert_member(&fixture, "createTime", "0");
    assert_err(update_all(&fixture, "[" WORKFLOW("c", "1") ",{\"name\":\"d\"}]"), ERR_INVALID);
    assert_err(get_one(&fixture, "c", false, 0), ERR_NOT_FOUND);
    assert_err(update_all(&fixture, "[]"), ERR_INVALID);
    assert_true(bytes_equal_text(fixture.violations.items[0].message, "WorkflowDefList is empty"));
    fixture_end(&fixture);
}

static void m_4_names_what_it_did_not_find(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    err missing = get_one(&fixture, "w", false, 0);
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such workflow found by name: w, version: null");
    assert_ok(register_one(&fixture, WORKFLOW("w", "3"), false));
    missing = get_one(&fixture, "w", true, 2);
    assert_string_equal(missing.text, "No such workflow found by name: w, version: 2");
    missing = get_one(&fixture, "w", true, (int64_t)1 << 40);
    assert_err(missing, ERR_NOT_FOUND);
    assert_ok(get_one(&fixture, "w", false, 0));
    assert_member(&fixture, "version", "3");
    fixture_end(&fixture);
}

static void m_5_to_m_9_list_by_name_then_version(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(update_all(
        &fixture,
        "[" WORKFLOW("b", "2") "," WORKFLOW("a", "10") "," WORKFLOW("a", "9") "," WORKFLOW(
            "b", "1"
        ) "]"
    ));
    assert_ok(list_all(&fixture, "", false));
    assert_listed(&fixture, "a.9 a.10 b.1 b.2 ");
    assert_ok(list_all(&fixture, "", true));
    assert_listed(&fixture, "a.10 b.2 ");
    struct decision *decision = decision_begin(&fixture);
    assert_ok(decision_end(&fixture, list_workflow_names(decision, &fixture.reply)));
    assert_reply(&fixture, "[\"a\",\"b\"]");
    decision = decision_begin(&fixture);
    assert_ok(
        decision_end(&fixture, list_workflow_versions(decision, BYTES_LITERAL("a"), &fixture.reply))
    );
    assert_listed(&fixture, "a.9 a.10 ");
    decision = decision_begin(&fixture);
    assert_ok(decision_end(
        &fixture, list_workflow_versions(decision, BYTES_LITERAL("zz"), &fixture.reply)
    ));
    assert_reply(&fixture, "[]");
    decision = decision_begin(&fixture);
    assert_ok(decision_end(&fixture, list_workflow_names_and_versions(decision, &fixture.reply)));
    assert_reply(
        &fixture,
        "{\"a\":[{\"name\":\"a\",\"version\":9,\"createTime\":0,\"updateTime\":1000},"
        "{\"name\":\"a\",\"version\":10,\"createTime\":0,\"updateTime\":1000}],"
        "\"b\":[{\"name\":\"b\",\"version\":1,\"createTime\":0,\"updateTime\":1000},"
        "{\"name\":\"b\",\"version\":2,\"createTime\":0,\"updateTime\":1000}]}"
    );
    fixture_end(&fixture);
}

static void m_6_of_an_empty_catalog_is_an_empty_object(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    struct decision *decision = decision_begin(&fixture);
    assert_ok(decision_end(&fixture, list_workflow_names_and_versions(decision, &fixture.reply)));
    assert_reply(&fixture, "{}");
    assert_ok(list_all(&fixture, "", true));
    assert_reply(&fixture, "[]");
    fixture_end(&fixture);
}

static void m_5_filters_by_the_derived_classifier(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(update_all(
        &fixture,
        "[" WORKFLOW(
            "a", "1"
        ) ",{\"name\":\"b\",\"metadata\":{\"agent_sdk\":\"x\"}," TASKS
          "},{\"name\":\"c\",\"metadata\":{\"classifier\":\"Tool\",\"agentDef\":{}}," TASKS "}]"
    ));
    assert_ok(list_all(&fixture, "workflow", false));
    assert_listed(&fixture, "a.1 ");
    assert_ok(list_all(&fixture, "AGENT", false));
    assert_listed(&fixture, "b.1 ");
    assert_ok(list_all(&fixture, "tool", false));
    assert_listed(&fixture, "c.1 ");
    fixture_end(&fixture);
}

static void m_10_removes_one_version(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(update_all(&fixture, "[" WORKFLOW("w", "1") "," WORKFLOW("w", "2") "]"));
    struct decision *decision = decision_begin(&fixture);
    bytes name = BYTES_LITERAL("w");
    assert_ok(decision_end(&fixture, delete_workflow_definition(decision, name, 2, &fixture.reply))
    );
    assert_ok(get_one(&fixture, "w", false, 0));
    assert_member(&fixture, "version", "1");
    decision = decision_begin(&fixture);
    assert_err(
        decision_end(&fixture, delete_workflow_definition(decision, name, 2, &fixture.reply)),
        ERR_NOT_FOUND
    );
    fixture_end(&fixture);
}

static void m_11_overwrites_as_new_and_m_12_keeps_the_birth(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(register_task_list(
        &fixture, "[{\"name\":\"t\",\"createdBy\":\"ada\",\"updateTime\":5,\"updatedBy\":\"x\"}]"
    ));
    fixture.store.now_ms = 2000;
    assert_ok(update_one_task(&fixture, "{\"name\":\"t\",\"retryCount\":8,\"createTime\":77}"));
    assert_ok(get_one_task(&fixture, "t"));
    assert_member(&fixture, "retryCount", "8");
    assert_member(&fixture, "createTime", "1000");
    assert_member(&fixture, "createdBy", "\"ada\"");
    assert_member(&fixture, "updateTime", "2000");
    assert_member(&fixture, "updatedBy", "absent");
    fixture.store.now_ms = 3000;
    assert_ok(register_task_list(&fixture, "[{\"name\":\"t\"}]"));
    assert_ok(get_one_task(&fixture, "t"));
    assert_member(&fixture, "retryCount", "3");
    assert_member(&fixture, "createTime", "3000");
    assert_member(&fixture, "updateTime", "0");
    err missing = update_one_task(&fixture, "{\"name\":\"u\"}");
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such task by name u");
    assert_err(register_task_list(&fixture, "[]"), ERR_INVALID);
    assert_err(
        register_task_list(&fixture, "[{\"name\":\"v\"},{\"name\":\"w\",\"retryCount\":-1}]"),
        ERR_INVALID
    );
    assert_err(get_one_task(&fixture, "v"), ERR_NOT_FOUND);
    fixture_end(&fixture);
}

static void m_13_to_m_15_list_get_and_remove(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture);
    assert_ok(register_task_list(&fixture, "[{\"name\":\"b\"},{\"name\":\"a\"}]"));
    struct decision *decision = decision_begin(&fixture);
    assert_ok(decision_end(&fixture, list_task_definitions(decision, &fixture.reply)));
    assert_listed(&fixture, "a.- b.- ");
    decision = decision_begin(&fixture);
    bytes name = BYTES_LITERAL("a");
    assert_ok(decision_end(&fixture, delete_task_definition(decision, name, &fixture.reply)));
    err missing = get_one_task(&fixture, "a");
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such taskType found by name: a");
    decision = decision_begin(&fixture);
    missing = decision_end(&fixture, delete_task_definition(decision, name, &fixture.reply));
    assert_err(missing, ERR_NOT_FOUND);
    assert_string_equal(missing.text, "No such task definition");
    fixture_end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m_1_stores_with_defaults_and_its_time),
        cmocka_unit_test(case_272_m_1_refuses_what_is_there_and_overwrites_when_told),
        cmocka_unit_test(m_1_reports_every_violation_and_stores_nothing),
        cmocka_unit_test(m_2_validates_and_stores_nothing),
        cmocka_unit_test(an_http_task_may_have_its_request_in_the_registered_template),
        cmocka_unit_test(m_3_creates_and_replaces_all_or_nothing),
        cmocka_unit_test(m_4_names_what_it_did_not_find),
        cmocka_unit_test(m_5_to_m_9_list_by_name_then_version),
        cmocka_unit_test(m_6_of_an_empty_catalog_is_an_empty_object),
        cmocka_unit_test(m_5_filters_by_the_derived_classifier),
        cmocka_unit_test(m_10_removes_one_version),
        cmocka_unit_test(m_11_overwrites_as_new_and_m_12_keeps_the_birth),
        cmocka_unit_test(m_13_to_m_15_list_get_and_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
