// Random definitions, clients and workers, seeds in order: after every command the audit must be
// clean, and at the end everything comes to an end (engine-cases.md P; distributed.md §15.2, 36).
#include "tests/unit/scheduler/world.h"

enum {
    SEEDS = 10,
    STEPS = 250,
    DEFINITIONS = 4,
    EXECUTIONS_MAX = 40,
    HANDED_MAX = 64
};

struct walk {
    struct world *world;
    struct random random; // of the walk; the world has its own
    struct buffer text;
    unsigned references; // used in the definition being written
    bytes executions[EXECUTIONS_MAX];
    size_t execution_count;
    bytes handed[HANDED_MAX]; // ids of tasks workers have, or had
    bytes handed_workflow[HANDED_MAX];
    size_t handed_count;
};

static void write_list(struct walk *walk, unsigned depth, unsigned definition, bool closed);

static unsigned pick(struct walk *walk, unsigned bound) {
    return (unsigned)random_below(&walk->random, bound);
}

static void open_task(struct walk *walk, const char *type, unsigned reference) {
    buffer_format(
        &walk->text,
        "{\"name\":\"%s%u\",\"taskReferenceName\":\"r%u\",\"type\":\"%s\"",
        type,
        pick(walk, 3),
        reference,
        type
    );
}

static void write_simple(struct walk *walk) {
    static const char *const flags[] = {
        "", "", "", ",\"optional\":true", ",\"permissive\":true", ",\"startDelay\":3"};
    open_task(walk, "SIMPLE", walk->references++);
    buffer_append_text(&walk->text, flags[pick(walk, 6)]);
    buffer_append_text(&walk->text, "}");
}

static void write_fork(struct walk *walk, unsigned depth, unsigned definition) {
    open_task(walk, "FORK_JOIN", walk->references++);
    buffer_append_text(&walk->text, ",\"forkTasks\":[");
    unsigned branches = 1 + pick(walk, 3);
    unsigned last[3];
    for (unsigned i = 0; i < branches; i++) {
        buffer_append_text(&walk->text, i > 0 ? ",[" : "[");
        write_list(walk, depth + 1, definition, false);
        // Each branch ends in a task that always runs, for the JOIN to wait for.
        last[i] = walk->references;
        buffer_append_text(&walk->text, ",");
        write_simple(walk);
        buffer_append_text(&walk->text, "]");
    }
    buffer_append_text(&walk->text, "]},");
    open_task(walk, "JOIN", walk->references++);
    buffer_append_text(&walk->text, ",\"joinOn\":[");
    for (unsigned i = 0; i < branches; i++) {
        buffer_format(&walk->text, "%s\"r%u\"", i > 0 ? "," : "", last[i]);
    }
    buffer_append_text(&walk->text, "]}");
}

static void write_switch(struct walk *walk, unsigned depth, unsigned definition) {
    open_task(walk, "SWITCH", walk->references++);
    buffer_append_text(
        &walk->text,
        ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{\"p\":"
        "\"${workflow.variables.v}\"},\"decisionCases\":{\"0\":["
    );
    write_list(walk, depth + 1, definition, true);
    buffer_append_text(&walk->text, "],\"1\":[]},\"defaultCase\":[");
    write_list(walk, depth + 1, definition, true);
    buffer_append_text(&walk->text, "]}");
}

static void write_task(struct walk *walk, unsigned depth, unsigned definition, bool closed) {
    unsigned kind = pick(walk, 12);
    if (kind == 0 && depth < 3) {
        write_fork(walk, depth, definition);
    } else if (kind == 1 && depth < 3) {
        write_switch(walk, depth, definition);
    } else if (kind == 2 && definition > 0) {
        open_task(walk, "SUB_WORKFLOW", walk->references++);
        buffer_format(
            &walk->text, ",\"subWorkflowParam\":{\"name\":\"w%u\"}}", pick(walk, definition)
        );
    } else if (kind == 3) {
        open_task(walk, "WAIT", walk->references++);
        buffer_append_text(&walk->text, ",\"inputParameters\":{\"duration\":\"20 seconds\"}}");
    } else if (kind == 4) {
        open_task(walk, "SET_VARIABLE", walk->references++);
        buffer_format(&walk->text, ",\"inputParameters\":{\"v\":%u}}", pick(walk, 3));
    } else if (kind == 5) {
        open_task(walk, "NOOP", walk->references++);
        buffer_append_text(&walk->text, "}");
    } else if (kind == 6 && closed && pick(walk, 4) == 0) {
        open_task(walk, "TERMINATE", walk->references++);
        buffer_format(
            &walk->text,
            ",\"inputParameters\":{\"terminationStatus\":\"%s\"}}",
            pick(walk, 2) == 0 ? "COMPLETED" : "FAILED"
        );
    } else {
        write_simple(walk);
    }
}

static void write_list(struct walk *walk, unsigned depth, unsigned definition, bool closed) {
    unsigned count = 1 + pick(walk, 3);
    for (unsigned i = 0; i < count; i++) {
        buffer_append_text(&walk->text, i > 0 ? "," : "");
        write_task(walk, depth, definition, closed);
    }
}

static void define(struct walk *walk) {
    world_tasks(
        walk->world,
        "[{\"name\":\"SIMPLE0\",\"retryCount\":1,\"retryDelaySeconds\":0,"
        "\"responseTimeoutSeconds\":"
        "5},{\"name\":\"SIMPLE1\",\"retryCount\":2,\"retryDelaySeconds\":2,\"pollTimeoutSeconds\":"
        "60,"
        "\"responseTimeoutSeconds\":9,\"timeoutSeconds\":30,\"timeoutPolicy\":\"RETRY\","
        "\"retryLogic\":"
        "\"EXPONENTIAL_BACKOFF\",\"backoffJitterMs\":500},{\"name\":\"SIMPLE2\",\"retryCount\":3,"
        "\"retryDelaySeconds\":1,"
        "\"retryLogic\":\"LINEAR_BACKOFF\",\"responseTimeoutSeconds\":20},{\"name\":\"SUB_"
        "WORKFLOW0\","
        "\"retryCount\":1,"
        "\"retryDelaySeconds\":1}]"
    );
    for (unsigned i = 0; i < DEFINITIONS; i++) {
        walk->references = 0;
        buffer_clear(&walk->text);
        buffer_format(&walk->text, "{\"name\":\"w%u\",\"tasks\":[", i);
        write_list(walk, 0, i, true);
        buffer_format(
            &walk->text,
            "],\"variables\":{\"v\":%u},\"timeoutSeconds\":%u,\"timeoutPolicy\":\"TIME_OUT_WF\","
            "\"failureWorkflow\":\"%s\"}",
            pick(walk, 3),
            pick(walk, 3) == 0 ? 90u : 0u,
            i > 0 && pick(walk, 2) == 0 ? "w0" : ""
        );
        world_workflow(walk->world, arena_text(walk->world->arena, buffer_bytes(&walk->text)));
    }
}

static void start_one(struct walk *walk) {
    if (walk->execution_count < EXECUTIONS_MAX) {
        const char *name = arena_format(walk->world->arena, "w%u", pick(walk, DEFINITIONS));
        walk->executions[walk->execution_count++] = world_start(walk->world, name, "{\"i\":1}");
    }
}

static bool poll_one(struct walk *walk, unsigned type) {
    const char *name = arena_format(walk->world->arena, "SIMPLE%u", type);
    bytes task = world_poll(walk->world, name);
    if (task.data == NULL) {
        return false;
    }
    size_t at = walk->handed_count < HANDED_MAX ? walk->handed_count++ : pick(walk, HANDED_MAX);
    walk->handed[at] = world_text(walk->world, task, "taskId");
    walk->handed_workflow[at] = world_text(walk->world, task, "workflowInstanceId");
    return true;
}

// A worker's word about a task it has, had, or told us about before.
static void report_one(struct walk *walk) {
    static const char *const results[] = {
        "COMPLETED",
        "COMPLETED",
        "COMPLETED",
        "COMPLETED",
        "FAILED",
        "IN_PROGRESS",
        "CANCELED",
        "FAILED_WITH_TERMINAL_ERROR"};
    if (walk->handed_count == 0) {
        return;
    }
    size_t at = pick(walk, (unsigned)walk->handed_count);
    unsigned result = pick(walk, 40);
    world_result_of(
        walk->world,
        walk->handed_workflow[at],
        walk->handed[at],
        results[result < 8 ? result : result % 5],
        "\"outputData\":{\"k\":[1,2]},\"callbackAfterSeconds\":1"
    );
    assert_ok(walk->world->last);
}

static void operate_one(struct walk *walk) {
    if (walk->execution_count == 0) {
        return;
    }
    bytes id = walk->executions[pick(walk, (unsigned)walk->execution_count)];
    switch (pick(walk, 8)) {
    case 0:
        world_terminate(walk->world, id, "walk");
        break;
    case 1:
    case 2:
        world_pause(walk->world, id);
        break;
    default:
        world_resume(walk->world, id);
        break;
    }
}

static void step(struct walk *walk) {
    unsigned choice = pick(walk, 20);
    if (choice < 2) {
        start_one(walk);
    } else if (choice < 8) {
        (void)poll_one(walk, pick(walk, 3));
    } else if (choice < 14) {
        report_one(walk);
    } else if (choice < 16) {
        operate_one(walk);
    } else if (choice < 18) {
        world_advance(walk->world, pick(walk, 4000));
    } else {
        world_settle(walk->world);
    }
}

// Good workers do what there is; time passes. Everything must end.
static void finish(struct walk *walk) {
    for (size_t i = 0; i < walk->execution_count; i++) {
        world_resume(walk->world, walk->executions[i]);
    }
    for (int round = 0; round < 400; round++) {
        world_advance(walk->world, 1000);
        for (unsigned type = 0; type < 3; type++) {
            walk->handed_count = 0;
            while (poll_one(walk, type)) {
                world_result_of(
                    walk->world, walk->handed_workflow[0], walk->handed[0], "COMPLETED", NULL
                );
                walk->handed_count = 0;
            }
        }
    }
    for (size_t i = 0; i < walk->execution_count; i++) {
        bytes workflow = world_get(walk->world, walk->executions[i]);
        bytes status = world_text(walk->world, workflow, "status");
        enum api_workflow_status value = API_WORKFLOW_NONE;
        assert_true(api_workflow_status_from_text(status, &value));
        if (!api_workflow_status_is_terminal(value)) {
            fail_msg("%.*s: %s", BYTES_ARG(status), world_list(walk->world, walk->executions[i]));
        }
    }
    assert_int_equal(world_outbox(walk->world), 0);
}

static void whatever_clients_and_workers_do_rows_agree_and_all_ends(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        world_init(&world);
        struct walk walk = {.world = &world};
        random_init(&walk.random, seed);
        buffer_init(&walk.text, 1024 * 1024);
        define(&walk);
        for (int i = 0; i < STEPS; i++) {
            step(&walk);
        }
        finish(&walk);
        buffer_deinit(&walk.text);
        world_deinit(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_clients_and_workers_do_rows_agree_and_all_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
