// scheduler/definition: structure as indices, and the cache of compiled definitions.
#include "proto/base/arena.h"
#include "proto/json/json.h"
#include "scheduler/definition/definition.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct arena *arena;
    struct definition_cache *cache;
};

static struct fixture fixture_begin(size_t capacity) {
    return (struct fixture){arena_create(64 * 1024), definition_cache_create(capacity)};
}

static void fixture_end(struct fixture *fixture) {
    definition_cache_destroy(&fixture->cache);
    arena_destroy(&fixture->arena);
}

// Compiles a definition of these tasks, as a client would send them.
static const struct definition *compiled(struct fixture *fixture, const char *tasks) {
    const char *text = arena_format(fixture->arena, "{\"name\":\"w\",\"tasks\":[%s]}", tasks);
    bytes json = BYTES_EMPTY;
    bytes canonical = BYTES_EMPTY;
    const struct definition *definition = NULL;
    assert_ok(json_validate(bytes_from_text(text), fixture->arena, &json));
    assert_ok(api_bind(&api_workflow_definition_model, json, fixture->arena, &canonical));
    assert_ok(
        definition_cache_compile(fixture->cache, hash_sip128(canonical), canonical, &definition)
    );
    return definition;
}

static const struct definition_task *
task_of(const struct definition *definition, const char *reference) {
    const struct definition_task *task = definition_find(definition, bytes_from_text(reference));
    assert_non_null(task);
    return task;
}

// "-" stands for none.
static void
assert_leads(const struct definition *definition, const char *reference, const char *successor) {
    uint32_t index = task_of(definition, reference)->successor;
    bytes found = index == DEFINITION_NONE ? BYTES_LITERAL("-")
                                           : definition->tasks[index].model.task_reference_name;
    if (!bytes_equal_text(found, successor)) {
        print_error("%s leads to %.*s and not to %s\n", reference, BYTES_ARG(found), successor);
        fail();
    }
}

#define TASK(ref) "{\"name\":\"" ref "\",\"taskReferenceName\":\"" ref "\"}"
#define TASK_OF(ref, type, rest) \
    "{\"name\":\"" ref "\",\"taskReferenceName\":\"" ref "\",\"type\":\"" type "\"," rest "}"

static void a_sequence_leads_from_one_to_the_next(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    const struct definition *definition = compiled(&fixture, TASK("a") "," TASK("b"));
    assert_int_equal(definition->task_count, 2);
    assert_int_equal(definition->first, 0);
    assert_leads(definition, "a", "b");
    assert_leads(definition, "b", "-");
    assert_int_equal(task_of(definition, "a")->type, TASK_TYPE_SIMPLE);
    assert_int_equal(task_of(definition, "a")->parent, DEFINITION_NONE);
    assert_null(definition_find(definition, BYTES_LITERAL("c")));
    fixture_end(&fixture);
}

static void a_branch_of_a_switch_leads_behind_the_switch(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    const struct definition *definition = compiled(
        &fixture,
        TASK_OF(
            "s",
            "SWITCH",
            "\"decisionCases\":{\"A\":[" TASK("a1") "," TASK("a2") "],\"B\":[" TASK_OF(
                "inner", "SWITCH", "\"decisionCases\":{\"x\":[" TASK("deep") "]}"
            ) "],\"E\":[]},\"defaultCase\":[" TASK("d") "]"
        ) "," TASK("end")
    );
    const struct definition_task *task = task_of(definition, "s");
    assert_int_equal(task->case_count, 3);
    assert_bytes_text(task->cases[0].name, "A");
    assert_int_equal(task->cases[0].first, task_of(definition, "a1")->index);
    assert_int_equal(task->cases[2].first, DEFINITION_NONE);
    assert_int_equal(task->default_first, task_of(definition, "d")->index);
    assert_int_equal(task_of(definition, "deep")->parent, task_of(definition, "inner")->index);
    assert_leads(definition, "a1", "a2");
    assert_leads(definition, "a2", "end");
    assert_leads(definition, "deep", "end");
    assert_leads(definition, "d", "end");
    assert_leads(definition, "s", "end");
    fixture_end(&fixture);
}

static void a_branch_of_a_nested_fork_leads_to_the_nested_join(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    const struct definition *definition = compiled(
        &fixture,
        TASK_OF(
            "outer",
            "FORK_JOIN",
            "\"forkTasks\":[[" TASK("a") "],[" TASK_OF(
                "inner", "FORK_JOIN", "\"forkTasks\":[[" TASK("b") "],[" TASK("c") "]]"
            ) "," TASK_OF("innerJoin", "JOIN", "\"joinOn\":[\"b\",\"c\"]") "]]"
        ) "," TASK_OF("outerJoin", "JOIN", "\"joinOn\":[\"a\",\"innerJoin\",\"gone\"]") "," TASK("e"
        )
    );
    assert_leads(definition, "a", "outerJoin");
    assert_leads(definition, "b", "innerJoin");
    assert_leads(definition, "c", "innerJoin");
    assert_leads(definition, "inner", "innerJoin");
    assert_leads(definition, "innerJoin", "outerJoin");
    assert_leads(definition, "outer", "outerJoin");
    assert_leads(definition, "outerJoin", "e");
    const struct definition_task *outer = task_of(definition, "outer");
    assert_int_equal(outer->branch_count, 2);
    assert_int_equal(outer->branches[1], task_of(definition, "inner")->index);
    const struct definition_task *join = task_of(definition, "outerJoin");
    assert_int_equal(join->join_on_count, 3);
    assert_bytes_text(join->join_on[2], "gone");
    const struct definition_task *joined = task_of(definition, "innerJoin");
    assert_int_equal(joined->joined_by_count, 1);
    assert_int_equal(joined->joined_by[0], join->index);
    fixture_end(&fixture);
}

static void the_last_task_of_a_loop_body_leads_nowhere(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    const struct definition *definition = compiled(
        &fixture,
        TASK_OF(
            "loop",
            "DO_WHILE",
            "\"loopOver\":[" TASK("x"
            ) "," TASK_OF("s", "SWITCH", "\"decisionCases\":{\"1\":[" TASK("y") "]}") "]"
        ) "," TASK("after")
    );
    const struct definition_task *loop = task_of(definition, "loop");
    assert_int_equal(loop->branch_count, 1);
    assert_int_equal(loop->branches[0], task_of(definition, "x")->index);
    assert_int_equal(task_of(definition, "y")->loop, loop->index);
    assert_int_equal(loop->loop, DEFINITION_NONE);
    assert_leads(definition, "x", "s");
    assert_leads(definition, "s", "-");
    assert_leads(definition, "y", "-");
    assert_leads(definition, "loop", "after");
    fixture_end(&fixture);
}

static void types_by_their_text_and_others_are_user_defined(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    const struct definition *definition = compiled(
        &fixture,
        TASK_OF("h", "HTTP", "\"inputParameters\":{}") "," TASK_OF(
            "u", "MY_TYPE", "\"loopOver\":[" TASK("stray") "]"
        ) "," TASK_OF("q", "SIMPLE", "\"taskDefinition\":{\"name\":\"q\",\"retryCount\":7}")
    );
    assert_int_equal(task_of(definition, "h")->type, TASK_TYPE_HTTP);
    assert_int_equal(task_of(definition, "u")->type, TASK_TYPE_USER_DEFINED);
    assert_bytes_text(task_of(definition, "u")->model.type, "MY_TYPE");
    assert_null(definition_find(definition, BYTES_LITERAL("stray")));
    assert_true(task_of(definition, "q")->has_task_definition);
    assert_int_equal(task_of(definition, "q")->task_definition.retry_count, 7);
    assert_false(task_of(definition, "h")->has_task_definition);
    for (int type = 0; type < TASK_TYPE_COUNT; type++) {
        enum definition_task_type found = TASK_TYPE_COUNT;
        const char *text = definition_task_type_text((enum definition_task_type)type);
        assert_true(definition_task_type_of(bytes_from_text(text), &found));
        assert_int_equal(found, type);
    }
    fixture_end(&fixture);
}

static void every_one_of_a_thousand_tasks_is_found(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(4);
    struct buffer tasks;
    buffer_init(&tasks, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        buffer_format(
            &tasks, "%s{\"name\":\"n\",\"taskReferenceName\":\"t%d\"}", i == 0 ? "" : ",", i
        );
    }
    const struct definition *definition =
        compiled(&fixture, arena_text(fixture.arena, buffer_bytes(&tasks)));
    assert_int_equal(definition->task_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "t%u", i);
        assert_int_equal(task_of(definition, reference)->index, i);
    }
    buffer_deinit(&tasks);
    fixture_end(&fixture);
}

static void the_cache_keeps_what_was_used_last(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(2);
    hash128 a = compiled(&fixture, TASK("a"))->hash;
    hash128 b = compiled(&fixture, TASK("b"))->hash;
    assert_non_null(definition_cache_find(fixture.cache, a));
    hash128 c = compiled(&fixture, TASK("c"))->hash;
    assert_non_null(definition_cache_find(fixture.cache, a));
    assert_null(definition_cache_find(fixture.cache, b));
    const struct definition *third = definition_cache_find(fixture.cache, c);
    assert_non_null(third);
    assert_ptr_equal(compiled(&fixture, TASK("c")), third);
    fixture_end(&fixture);
}

static void what_is_no_definition_does_not_compile(void **state) {
    (void)state;
    struct fixture fixture = fixture_begin(2);
    const struct definition *definition = NULL;
    const char *const texts[] = {"[]", "7", "{\"tasks\":[1]}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bytes json = bytes_from_text(texts[i]);
        assert_err(
            definition_cache_compile(fixture.cache, hash_sip128(json), json, &definition),
            ERR_INVALID
        );
    }
    fixture_end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_leads_from_one_to_the_next),
        cmocka_unit_test(a_branch_of_a_switch_leads_behind_the_switch),
        cmocka_unit_test(a_branch_of_a_nested_fork_leads_to_the_nested_join),
        cmocka_unit_test(the_last_task_of_a_loop_body_leads_nowhere),
        cmocka_unit_test(types_by_their_text_and_others_are_user_defined),
        cmocka_unit_test(every_one_of_a_thousand_tasks_is_found),
        cmocka_unit_test(the_cache_keeps_what_was_used_last),
        cmocka_unit_test(what_is_no_definition_does_not_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
