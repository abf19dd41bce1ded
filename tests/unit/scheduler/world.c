// Commands run as node/core would run them: a transaction of the right group, committed when the
// command succeeded, aborted when not. Everything is deterministic: one seed, one clock.
#include "tests/unit/scheduler/world.h"

#include "proto/limits.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/queue.h"
#include "scheduler/staging.h"
#include "scheduler/telling.h"
#include "storage/keys.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    GROUPS = 4
};

static void begin(struct world *world, group_id group);
static void end(struct world *world, err result);
static bool finish(struct world *world, err result);
static bool timer_key_may_evaluate(bytes key);

// A command as the core runs it: again and again while it waits for scripts.
#define run(world, call) \
    do {                 \
    } while (!finish((world), (call)))
static void count_cost(struct world *world, size_t size);
static group_id group_of(struct world *world, bytes id);
static bool deliver_one(struct world *world);
static bool fire_next(struct world *world, int64_t until_ms);

void world_init(struct world *world) {
    *world = (struct world){.now = {1700000000000}};
    memory_faults_init(&world->faults, 1);
    world->disk = memory_disk_create(&world->faults);
    world->map = memory_map_create(&world->faults);
    world->arena = arena_create(1024 * 1024);
    world->command_arena = arena_create(1024 * 1024);
    random_init(&world->random, 7);
    world->definitions = definition_cache_create(64);
    world->settings =
        (struct scheduler_settings){.group_count = GROUPS, .server_name = BYTES_LITERAL("server")};
    struct store_options options = {
        .disk = world->disk,
        .map = world->map,
        .group_count = GROUPS,
        .lane_count = 1,
        .segment_bytes = 1024 * 1024,
        .overlay_bytes_max = 1024 * 1024 * 1024,
        .checkpoint_bytes = 64 * 1024 * 1024,
        .checkpoint_ms = 1000000,
        .cluster = "unit",
        .random_seed = 3,
    };
    assert_ok(store_open(&options, world->arena, &world->store));
}

void world_deinit(struct world *world) {
    definition_cache_destroy(&world->definitions);
    store_close(&world->store);
    memory_map_destroy(&world->map);
    memory_disk_destroy(&world->disk);
    arena_destroy(&world->arena);
    arena_destroy(&world->command_arena);
}

int world_setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world_init(world);
    *state = world;
    return 0;
}

int world_teardown(void **state) {
    struct world *world = *state;
    world_deinit(world);
    free(world);
    return 0;
}

void world_tasks(struct world *world, const char *json_array) {
    struct api_violations violations;
    api_violations_init(&violations, world->arena);
    begin(world, CATALOG_GROUP);
    end(world,
        register_tasks(&world->decision, bytes_from_text(json_array), &violations, &world->reply));
    assert_ok(world->last);
}

void world_simple(struct world *world, const char *letters) {
    for (; *letters != '\0'; letters++) {
        world_tasks(
            world, arena_format(world->arena, "[{\"name\":\"%c\",\"retryCount\":0}]", *letters)
        );
    }
}

void world_workflow(struct world *world, const char *json) {
    struct api_violations violations;
    api_violations_init(&violations, world->arena);
    begin(world, CATALOG_GROUP);
    run(world,
        register_workflow(
            &world->decision, bytes_from_text(json), true, false, &violations, &world->reply
        ));
    if (err_is(world->last) && violations.count > 0) {
        fail_msg("%.*s", BYTES_ARG(violations.items[0].message));
    }
    assert_ok(world->last);
}

bytes world_start(struct world *world, const char *name, const char *input) {
    bytes id = world_start_request(
        world, arena_format(world->arena, "{\"name\":\"%s\",\"input\":%s}", name, input)
    );
    assert_ok(world->last);
    return id;
}

bytes world_start_request(struct world *world, const char *request) {
    struct api_start_workflow_request body;
    bytes json = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(request), world->arena, &json));
    assert_ok(api_read(&api_start_workflow_request_model, json, world->arena, &body));
    struct start_workflow command = {
        .id = id_mint(
            world->slot != 0 ? world->slot : (uint16_t)random_below(&world->random, ID_SLOT_COUNT),
            world->now.ms,
            &world->random
        ),
        .request = &body,
    };
    char text[ID_TEXT_BYTES];
    id_format(command.id, text);
    begin(world, decision_group_of(&world->settings, bytes_of(text, ID_TEXT_BYTES)));
    run(world, start_workflow(&world->decision, &command, &world->reply));
    return err_is(world->last) ? BYTES_EMPTY : arena_copy(world->arena, world->reply.body);
}

void world_repeat_start(struct world *world, bytes id, const char *name) {
    struct api_start_workflow_request body;
    api_init(&api_start_workflow_request_model, &body);
    body.name = bytes_from_text(name);
    struct start_workflow command = {.request = &body};
    assert_true(id_parse(id, &command.id));
    begin(world, group_of(world, id));
    run(world, start_workflow(&world->decision, &command, &world->reply));
}

void world_pause(struct world *world, bytes workflow) {
    begin(world, group_of(world, workflow));
    end(world, pause_workflow(&world->decision, workflow, &world->reply));
}

void world_resume(struct world *world, bytes workflow) {
    begin(world, group_of(world, workflow));
    run(world, resume_workflow(&world->decision, workflow, &world->reply));
}

void world_terminate(struct world *world, bytes workflow, const char *reason) {
    begin(world, group_of(world, workflow));
    run(world,
        terminate_workflow(
            &world->decision,
            workflow,
            reason != NULL ? bytes_from_text(reason) : BYTES_EMPTY,
            &world->reply
        ));
}

void world_restart(struct world *world, bytes workflow, bool latest_definition) {
    begin(world, group_of(world, workflow));
    run(world, restart_workflow(&world->decision, workflow, latest_definition, &world->reply));
}

void world_retry(struct world *world, bytes workflow) {
    begin(world, group_of(world, workflow));
    run(world, retry_workflow(&world->decision, workflow, &world->reply));
}

void world_retry_deepest(struct world *world, bytes workflow) {
    enum retry_wish wish = RETRY_CHILD;
    while (wish == RETRY_CHILD) {
        bytes child = BYTES_EMPTY;
        begin(world, group_of(world, workflow));
        end(world, find_failed_child(&world->decision, workflow, &wish, &child));
        assert_ok(world->last);
        workflow = wish == RETRY_CHILD ? child : workflow;
    }
    if (wish == RETRY_SELF) {
        world_retry(world, workflow);
    }
}

void world_rerun(struct world *world, bytes workflow, const char *request) {
    struct api_rerun_workflow_request body;
    bytes json = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(request), world->arena, &json));
    assert_ok(api_read(&api_rerun_workflow_request_model, json, world->arena, &body));
    begin(world, group_of(world, workflow));
    run(world, rerun_workflow(&world->decision, workflow, &body, &world->reply));
}

void world_skip(struct world *world, bytes workflow, const char *reference, const char *request) {
    struct api_skip_task_request body;
    bytes json = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(request), world->arena, &json));
    assert_ok(api_read(&api_skip_task_request_model, json, world->arena, &body));
    begin(world, group_of(world, workflow));
    end(world,
        skip_task(&world->decision, workflow, bytes_from_text(reference), &body, &world->reply));
}

void world_reset_callbacks(struct world *world, bytes workflow) {
    begin(world, group_of(world, workflow));
    end(world, reset_callbacks(&world->decision, workflow, &world->reply));
}

void world_remove(struct world *world, bytes workflow, bool archive) {
    begin(world, group_of(world, workflow));
    end(world, remove_workflow(&world->decision, workflow, archive, &world->reply));
}

void world_signal(struct world *world, bytes task, const char *status, const char *output) {
    begin(world, group_of(world, task));
    end(world,
        signal_task(
            &world->decision, task, bytes_from_text(status), bytes_from_text(output), &world->reply
        ));
}

// A large execution is told: all of it at once.
static err told(struct world *world, struct reply *reply) {
    struct buffer text;
    buffer_init(&text, LIMIT_REPLY_BYTES);
    err error = ERR_NONE;
    while (!err_is(error) && !telling_is_over(reply->telling)) {
        error = telling_step(reply->telling, &world->decision, &text);
    }
    telling_destroy(&reply->telling);
    reply->body = arena_copy(world->decision.arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return error;
}

static err get(struct world *world, bytes workflow, uint32_t answer_tasks, struct reply *reply) {
    world->settings.answer_tasks = answer_tasks;
    err result = get_workflow(&world->decision, workflow, true, reply);
    if (!err_is(result) && reply->telling != NULL) {
        result = told(world, reply);
    }
    world->settings.answer_tasks = 0;
    return result;
}

// Told in small steps an execution is what it is in one.
static void check_told(struct world *world, bytes workflow) {
    struct reply told = {0};
    assert_ok(get(world, workflow, world->reply.body.size < 64 * 1024 ? 2 : 100, &told));
    assert_true(bytes_equal(told.body, world->reply.body));
}

bytes world_get(struct world *world, bytes workflow) {
    begin(world, group_of(world, workflow));
    err result = get(world, workflow, world->is_big ? 0 : UINT32_MAX, &world->reply);
    if (!err_is(result) && !world->is_big) {
        check_told(world, workflow);
    }
    end(world, result);
    return err_is(result) ? BYTES_EMPTY : world->reply.body;
}

bytes world_get_status(struct world *world, bytes workflow, bool output, bool variables) {
    begin(world, group_of(world, workflow));
    end(world, get_workflow_status(&world->decision, workflow, output, variables, &world->reply));
    assert_ok(world->last);
    return world->reply.body;
}

bytes world_requeue(struct world *world, const char *type) {
    begin(world, (group_id)(1 + world->slot % (GROUPS - 1)));
    end(world, requeue_tasks(&world->decision, bytes_from_text(type), &world->reply));
    assert_ok(world->last);
    return world->reply.body;
}

void world_return(struct world *world, const struct task_claim *claim) {
    char id[ID_TEXT_BYTES];
    id_format(claim->workflow, id);
    begin(world, group_of(world, bytes_of(id, ID_TEXT_BYTES)));
    end(world, return_task(&world->decision, claim));
    assert_ok(world->last);
}

void world_record_poll(struct world *world, const char *type, const char *domain) {
    struct poll_row poll = {
        .type = bytes_from_text(type),
        .domain = bytes_from_text(domain),
        .worker = BYTES_LITERAL("worker"),
        .time_ms = world->now.ms,
    };
    begin(world, poll_row_group(&world->settings, poll.type));
    end(world, record_poll(&world->decision, &poll));
    assert_ok(world->last);
}

bytes world_poll(struct world *world, const char *type) {
    return world_poll_domain(world, type, NULL);
}

// The best Q row of a queue in all groups; BYTES_EMPTY: none.
static bytes best_row(struct world *world, bytes queue, group_id *out_group) {
    struct key prefix = key_queue_prefix(queue_hash(queue));
    bytes best = BYTES_EMPTY;
    for (group_id group = 1; group < GROUPS; group++) {
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        if (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix)) &&
            (best.data == NULL || bytes_compare(key, best) < 0)) {
            best = arena_copy(world->arena, key);
            *out_group = group;
        }
        store_cursor_close(&cursor);
    }
    return best;
}

bytes world_poll_domain(struct world *world, const char *type, const char *domain) {
    bytes name = queue_name(
        bytes_from_text(type), domain != NULL ? bytes_from_text(domain) : BYTES_EMPTY, world->arena
    );
    group_id best_group = 0;
    bytes best = best_row(world, name, &best_group);
    if (best.data == NULL) {
        return BYTES_EMPTY;
    }
    struct claim_task command = {
        .queue_key = best,
        .worker = BYTES_LITERAL("worker"),
        .domain = domain != NULL ? bytes_from_text(domain) : BYTES_EMPTY,
    };
    begin(world, best_group);
    err result = claim_task(&world->decision, &command, &world->reply, &world->claim);
    end(world, result);
    return err_is(result) ? BYTES_EMPTY : world->reply.body;
}

bool world_call(struct world *world) {
    group_id group = 0;
    bytes row = best_row(world, CALL_QUEUE, &group);
    bool wanted = false;
    if (row.data == NULL) {
        return false;
    }
    world->call_claim = (struct call_claim){.executor = 7, .number = ++world->calls};
    begin(world, group);
    world->decision.evaluated.allowed = false;
    err claimed = ERR_NONE;
    do {
        claimed = claim_call(&world->decision, row, &world->call_claim, &world->call, &wanted);
    } while (!finish(world, claimed));
    return !err_is(claimed) && wanted;
}

void world_called_with(
    struct world *world, const struct call_claim *claim, const struct call_result *result
) {
    char id[ID_TEXT_BYTES];
    id_format(claim->workflow, id);
    begin(world, group_of(world, bytes_of(id, ID_TEXT_BYTES)));
    world->decision.evaluated.allowed = false;
    while (!finish(world, complete_call(&world->decision, claim, result))) {
    }
    assert_ok(world->last);
}

void world_called(struct world *world, int32_t status, const char *headers, const char *body) {
    struct call_result result = {
        .outcome = CALL_ANSWERED,
        .status = status,
        .headers = bytes_from_text(headers),
        .body = bytes_from_text(body),
    };
    world_called_with(world, &world->call_claim, &result);
}

void world_result_of(
    struct world *world, bytes workflow, bytes task, const char *status, const char *members
) {
    const char *text = arena_format(
        world->arena,
        "{\"workflowInstanceId\":\"%.*s\",\"taskId\":\"%.*s\",\"status\":\"%s\",\"workerId\":"
        "\"worker\"%s%s}",
        BYTES_ARG(workflow),
        BYTES_ARG(task),
        status,
        members != NULL ? "," : "",
        members != NULL ? members : ""
    );
    struct api_task_result result;
    assert_ok(api_read(&api_task_result_model, bytes_from_text(text), world->arena, &result));
    struct next_poll next;
    begin(world, group_of(world, workflow));
    run(world, update_task(&world->decision, &result, &world->reply, &next));
}

void world_result(
    struct world *world,
    bytes workflow,
    const char *reference,
    const char *status,
    const char *members
) {
    bytes task = world_task(world, workflow, reference);
    assert_non_null(task.data);
    world_result_of(world, workflow, world_text(world, task, "taskId"), status, members);
    assert_ok(world->last);
}

void world_complete(
    struct world *world, bytes workflow, const char *reference, const char *output
) {
    const char *members = arena_format(world->arena, "\"outputData\":%s", output);
    world_result(world, workflow, reference, "COMPLETED", members);
}

void world_fail(struct world *world, bytes workflow, const char *reference, const char *reason) {
    const char *members = arena_format(world->arena, "\"reasonForIncompletion\":\"%s\"", reason);
    world_result(world, workflow, reference, "FAILED", members);
}

void world_by_reference(
    struct world *world,
    bytes workflow,
    const char *reference,
    const char *status,
    const char *output
) {
    struct update_task_by_reference command = {
        .workflow = workflow,
        .reference = bytes_from_text(reference),
        .status = bytes_from_text(status),
        .output = bytes_from_text(output),
    };
    begin(world, group_of(world, workflow));
    run(world, update_task_by_reference(&world->decision, &command, &world->reply));
}

void world_extend_lease(struct world *world, bytes workflow, const char *reference) {
    struct api_task_result result;
    api_init(&api_task_result_model, &result);
    result.extend_lease = true;
    result.workflow_instance_id = workflow;
    result.task_id = world_text(world, world_task(world, workflow, reference), "taskId");
    struct next_poll next;
    begin(world, group_of(world, workflow));
    run(world, update_task(&world->decision, &result, &world->reply, &next));
    assert_ok(world->last);
}

void world_log(struct world *world, bytes task, const char *text) {
    begin(world, group_of(world, task));
    end(world, add_task_log(&world->decision, task, bytes_from_text(text), &world->reply));
}

bytes world_logs(struct world *world, bytes task) {
    begin(world, group_of(world, task));
    end(world, get_task_logs(&world->decision, task, &world->reply));
    assert_ok(world->last);
    return world->reply.status == 204 ? BYTES_EMPTY : world->reply.body;
}

void world_settle(struct world *world) {
    for (int steps = 0; deliver_one(world) || fire_next(world, world->now.ms); steps++) {
        assert_true(steps < 1000000);
    }
}

void world_fire(struct world *world, bytes workflow, bytes timer_key) {
    begin(world, group_of(world, workflow));
    world->decision.evaluated.allowed = timer_key_may_evaluate(timer_key);
    run(world, fire_timer(&world->decision, timer_key));
    assert_ok(world->last);
}

void world_advance(struct world *world, int64_t ms) {
    int64_t until_ms = world->now.ms + ms;
    world_settle(world);
    while (fire_next(world, until_ms)) {
        world_settle(world);
    }
    world->now.ms = until_ms;
    world_settle(world);
}

bytes world_at(struct world *world, bytes json, const char *path) {
    bytes rest = bytes_from_text(path);
    bytes value = json;
    while (rest.size > 0) {
        size_t dot = bytes_find(rest, 0, '.');
        bytes name = bytes_slice(rest, 0, dot);
        rest = dot < rest.size ? bytes_slice(rest, dot + 1, rest.size) : BYTES_EMPTY;
        int64_t index = 0;
        if (json_is_array(value) && bytes_parse_i64(name, &index)) {
            struct json_iter iter = json_iter(value);
            bool found = true;
            for (int64_t i = 0; i <= index && found; i++) {
                found = json_next_element(&iter, &value);
            }
            if (!found) {
                return JSON_NULL_TEXT;
            }
        } else if (!json_get(value, name, &value)) {
            return JSON_NULL_TEXT;
        }
    }
    (void)world;
    return value;
}

bytes world_text(struct world *world, bytes json, const char *path) {
    bytes value = world_at(world, json, path);
    return json_is_string(value) ? json_string(value, world->arena) : value;
}

bytes world_attempt(struct world *world, bytes workflow, const char *reference, uint32_t retry) {
    bytes tasks = world_at(world, world_get(world, workflow), "tasks");
    struct json_iter iter = json_iter(tasks);
    bytes task = BYTES_EMPTY;
    bytes found = BYTES_EMPTY;
    while (json_next_element(&iter, &task)) {
        int64_t count = 0;
        assert_true(json_i64(world_at(world, task, "retryCount"), &count));
        if (bytes_equal_text(world_text(world, task, "referenceTaskName"), reference) &&
            (retry == UINT32_MAX || (uint32_t)count == retry)) {
            found = task;
        }
    }
    return found;
}

bytes world_task(struct world *world, bytes workflow, const char *reference) {
    return world_attempt(world, workflow, reference, UINT32_MAX);
}

bytes world_status(struct world *world, bytes workflow) {
    return world_text(world, world_get(world, workflow), "status");
}

const char *world_list(struct world *world, bytes workflow) {
    bytes tasks = world_at(world, world_get(world, workflow), "tasks");
    struct json_iter iter = json_iter(tasks);
    bytes task = BYTES_EMPTY;
    const char *list = "";
    while (json_next_element(&iter, &task)) {
        bytes reference = world_text(world, task, "referenceTaskName");
        bytes status = world_text(world, task, "status");
        bytes retry = world_text(world, task, "retryCount");
        bool first = bytes_equal_text(retry, "0");
        list = arena_format(
            world->arena,
            "%s%s%.*s%s%.*s:%.*s",
            list,
            *list != '\0' ? " " : "",
            BYTES_ARG(reference),
            first ? "" : "#",
            first ? 0 : (int)retry.size,
            (const char *)retry.data,
            BYTES_ARG(status)
        );
    }
    return list;
}

uint64_t world_outbox(struct world *world) {
    return world_rows(world, KEY_OUTBOX);
}

// The part of a run that a letter stands for; 0: it is a kind of its own.
static uint8_t part_of(char letter) {
    switch (letter) {
    case 'S':
        return KEY_PART_TASK;
    case 'R':
        return KEY_PART_REFERENCE;
    case 'B':
        return KEY_PART_BLOB;
    case 'E':
        return KEY_PART_LOG;
    case 'X':
        return KEY_PART_STAGE;
    default:
        return 0;
    }
}

uint64_t world_rows(struct world *world, char letter) {
    uint64_t count = 0;
    uint8_t part = part_of(letter);
    struct key prefix = key_kind_prefix(part == 0 ? (enum key_kind)letter : KEY_EXECUTION);
    for (group_id group = 1; group < GROUPS; group++) {
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix))
        ) {
            struct key_execution_parts parts;
            count += part == 0 || (key_execution_parse(key, &parts) && parts.part == part);
        }
        store_cursor_close(&cursor);
    }
    return count;
}

static void begin(struct world *world, group_id group) {
    arena_reset(world->command_arena);
    world->decision = (struct decision){
        .store = world->store,
        .arena = world->is_big ? world->command_arena : world->arena,
        .now = world->now,
        .random = &world->random,
        .definitions = world->definitions,
        .settings = &world->settings,
        .evaluated = {.allowed = true},
        .staging = {.allowed = world->stages},
    };
    world->random_begun = world->random;
    world->reply = (struct reply){0};
    assert_ok(store_txn_begin(world->store, group, &world->decision.txn));
}

static void end(struct world *world, err result) {
    world->last = result;
    if (world->is_big) {
        world->last.text = arena_format(world->arena, "%s", result.text);
        world->reply.body = arena_copy(world->arena, world->reply.body);
    }
    // What a limit refused may have asked for permits.
    if (err_is(result) && result.code != ERR_UNAVAILABLE) {
        store_txn_abort(&world->decision.txn);
        return;
    }
    assert_null(world->decision.staging.wanted);
    group_id group = store_txn_group(world->decision.txn);
    count_cost(world, store_txn_bytes(world->decision.txn));
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&world->decision.txn, 1, world->now.ms, &index, &lsn);
    if (index != 0) {
        store_commit(world->store, group, index);
        if (!world->is_big) {
            world_audit(world);
        }
    }
}

static void count_cost(struct world *world, size_t size) {
    struct world_cost *cost = &world->cost;
    cost->entries += size > 0;
    cost->bytes += size;
    cost->bytes_max = size > cost->bytes_max ? size : cost->bytes_max;
    cost->allocated += world->is_big ? arena_used(world->command_arena) : 0;
}

static struct evaluation_result answer(struct world *world, const struct evaluation *wanted) {
    if (wanted->kind == EVALUATION_PARSE) {
        return (struct evaluation_result){.outcome = EVALUATION_DONE, .json = JSON_NULL_TEXT};
    }
    for (size_t i = 0; i < world->script_count; i++) {
        const struct world_script *script = &world->scripts[i];
        if ((script->text != NULL && !bytes_equal_text(wanted->text, script->text)) ||
            (script->input != NULL && !json_equal(wanted->input, bytes_from_text(script->input)))) {
            continue;
        }
        world->evaluations++;
        world->evaluated_bytes += wanted->input.size;
        bytes text = script->work_out != NULL ? script->work_out(world, wanted->input)
                                              : bytes_from_text(script->answer);
        bool done = script->outcome == EVALUATION_DONE;
        return (struct evaluation_result){
            .outcome = script->outcome,
            .json = done ? text : BYTES_EMPTY,
            .error = done ? BYTES_EMPTY : text,
        };
    }
    fail_msg(
        "no answer for script %.*s over %.*s", BYTES_ARG(wanted->text), BYTES_ARG(wanted->input)
    );
    return (struct evaluation_result){.outcome = EVALUATION_UNAVAILABLE};
}

static void stage(struct world *world, group_id group, const struct staging_wish *wish) {
    struct staged_body body = {.workflow = wish->workflow, .run = wish->run};
    while (body.written < wish->text.size) {
        begin(world, group);
        end(world, staging_write(&world->decision, &body, wish->text));
        assert_ok(world->last);
        if (world->stages_lost > 0) {
            world->stages_lost--;
            return;
        }
    }
}

// What the decision wants staged is staged, and the decision is begun anew.
static void stage_all(struct world *world) {
    struct decision_results evaluated = world->decision.evaluated;
    struct staging_wish *wanted = NULL;
    for (struct staging_wish *wish = world->decision.staging.wanted; wish != NULL;
         wish = wish->next) {
        struct staging_wish *copy = ARENA_NEW(world->arena, struct staging_wish);
        *copy = *wish;
        copy->text = arena_copy(world->arena, wish->text);
        copy->next = wanted;
        wanted = copy;
    }
    group_id group = store_txn_group(world->decision.txn);
    struct random random = world->random_begun;
    store_txn_abort(&world->decision.txn);
    for (; wanted != NULL; wanted = wanted->next) {
        stage(world, group, wanted);
    }
    world->random = random;
    begin(world, group);
    world->decision.evaluated = evaluated;
    world->decision.staging.again = true;
    world->suspensions++;
}

// False: the decision was given up and begun anew, with one more result or to record only.
static bool finish(struct world *world, err result) {
    struct decision *decision = &world->decision;
    if (!err_is(result) && decision->staging.wanted != NULL) {
        stage_all(world);
        return false;
    }
    if (result.code != ERR_SUSPENDED && result.code != ERR_LATER) {
        end(world, result);
        return true;
    }
    struct decision_results evaluated = decision->evaluated;
    if (result.code == ERR_LATER) {
        assert_false(evaluated.allowed);
        evaluated.record_only = true;
    } else {
        assert_true(evaluated.allowed && decision->wanted_count > 0);
        size_t asked = evaluated.count + decision->wanted_count;
        size_t count = asked + decision->foreseen_count;
        hash128 *keys = ARENA_ARRAY(world->arena, hash128, count);
        struct evaluation_result *results =
            ARENA_ARRAY(world->arena, struct evaluation_result, count);
        for (size_t i = 0; i < evaluated.count; i++) {
            keys[i] = evaluated.keys[i];
            results[i] = evaluated.results[i];
        }
        for (size_t i = 0; i < decision->wanted_count; i++) {
            keys[evaluated.count + i] = evaluation_key(&decision->wanted[i]);
            results[evaluated.count + i] = answer(world, &decision->wanted[i]);
        }
        for (size_t i = 0; i < decision->foreseen_count; i++) {
            keys[asked + i] = evaluation_key(&decision->foreseen[i]);
            results[asked + i] = answer(world, &decision->foreseen[i]);
        }
        evaluated.keys = keys;
        evaluated.results = results;
        evaluated.count = count;
        world->suspensions++;
    }
    world->cost.allocated += world->is_big ? arena_used(world->command_arena) : 0;
    group_id group = store_txn_group(decision->txn);
    store_txn_abort(&decision->txn);
    world->random = world->random_begun;
    begin(world, group);
    decision->evaluated = evaluated;
    return false;
}

static bool timer_key_may_evaluate(bytes key) {
    struct key_timer_parts parts;
    return key_timer_parse(key, &parts) && timer_may_evaluate(parts.kind);
}

static void report_fault(void *argument, uint32_t invariant, const char *text) {
    struct world *world = argument;
    if (!world->count_faults) {
        fail_msg("invariant %u: %s", invariant, text);
    }
    world->faults_seen++;
}

void world_audit(struct world *world) {
    struct audit_report report = {.fault = report_fault, .argument = world};
    for (group_id group = 1; group < GROUPS; group++) {
        assert_ok(
            scheduler_check_invariants(world->store, group, GROUPS, world->definitions, &report)
        );
    }
}

static group_id group_of(struct world *world, bytes id) {
    return decision_group_of(&world->settings, id);
}

// The oldest message of the first stream that has one: applied, then acknowledged.
static bool deliver_one(struct world *world) {
    struct key prefix = key_kind_prefix(KEY_OUTBOX);
    for (group_id source = 1; source < GROUPS; source++) {
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, source, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        struct key_outbox_parts parts = {0};
        bool found = store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts);
        bytes message = found ? arena_copy(world->arena, value) : BYTES_EMPTY;
        store_cursor_close(&cursor);
        if (!found) {
            continue;
        }
        uint64_t watermark = 0;
        assert_ok(message_watermark(world->store, parts.destination, source, &watermark));
        assert_true(world->count_faults || parts.sequence == watermark + 1);
        begin(world, parts.destination);
        while (!finish(world, apply_message(&world->decision, source, parts.sequence, message))) {
        }
        assert_ok(world->last);
        begin(world, source);
        acknowledge_messages(&world->decision, parts.destination, parts.sequence);
        end(world, ERR_NONE);
        return true;
    }
    return false;
}

// Fires the earliest timer due by then, at its moment.
static bool fire_next(struct world *world, int64_t until_ms) {
    struct key prefix = key_kind_prefix(KEY_TIMER);
    bytes earliest = BYTES_EMPTY;
    group_id owner = 0;
    struct key_timer_parts parts = {0};
    for (group_id group = 1; group < GROUPS; group++) {
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        if (store_cursor_next(cursor, &key, &value) && key_timer_parse(key, &parts) &&
            parts.due_ms <= until_ms &&
            (earliest.data == NULL || bytes_compare(key, earliest) < 0)) {
            earliest = arena_copy(world->arena, key);
            owner = group;
        }
        store_cursor_close(&cursor);
    }
    if (earliest.data == NULL) {
        return false;
    }
    assert_true(key_timer_parse(earliest, &parts));
    world->now.ms = parts.due_ms > world->now.ms ? parts.due_ms : world->now.ms;
    begin(world, owner);
    world->decision.evaluated.allowed = timer_key_may_evaluate(earliest);
    run(world, fire_timer(&world->decision, earliest));
    assert_ok(world->last);
    return true;
}
