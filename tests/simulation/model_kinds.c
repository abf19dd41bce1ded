// The kinds of task whose end follows from others: scripts from their input, joins from what they
// join, loops from their body (engine.md §10).

#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"
#include "tests/simulation/script.h"

// --- scripts -------------------------------------------------------------------------------------

// A script that was not run in time says so; no model knows that beforehand.
static bool ran_late(const struct task_view *row) {
    bytes text = BYTES_LITERAL("Script not evaluated within");
    for (size_t i = 0; i + text.size <= row->reason.size; i++) {
        if (bytes_starts_with(bytes_slice(row->reason, i, row->reason.size), text)) {
            return true;
        }
    }
    return false;
}

static struct evaluation_result
answer(struct judge *judge, enum evaluation_language language, bytes text, bytes input) {
    struct evaluation_result result = {.outcome = EVALUATION_UNAVAILABLE};
    if (!script_answer(language, text, input, judge->arena, &result)) {
        model_object(judge, BYTES_LITERAL("script"), "unknown: %.*s", BYTES_ARG(text));
    }
    return result;
}

// Whether a task that a script decides failed as the script does.
static void check_failure(
    struct judge *judge,
    const struct model_task *task,
    const struct task_view *row,
    const struct evaluation_result *result
) {
    bool failed = model_is(row, "FAILED") || model_is(row, "FAILED_WITH_TERMINAL_ERROR") ||
                  model_is(row, "COMPLETED_WITH_ERRORS");
    if (failed && result->outcome == EVALUATION_DONE && !ran_late(row)) {
        model_object(judge, task->reference, "failed, but its script does not");
    }
    if (model_is(row, "COMPLETED") && result->outcome != EVALUATION_DONE) {
        model_object(judge, task->reference, "is COMPLETED, but its script fails");
    }
}

enum model_way
model_script(struct judge *judge, const struct model_task *task, const struct task_view *row) {
    bool jq = bytes_equal_text(task->type, "JSON_JQ_TRANSFORM");
    bytes text = read_text(row->input, jq ? "queryExpression" : "expression", judge->arena);
    struct evaluation_result result =
        answer(judge, jq ? EVALUATION_JQ : EVALUATION_JAVASCRIPT, text, row->input);
    check_failure(judge, task, row, &result);
    if (model_is(row, "COMPLETED") && result.outcome == EVALUATION_DONE) {
        bytes given = read_value(row->output, jq ? "resultList" : "result");
        if (given.data == NULL || !json_equal(given, result.json)) {
            model_object(
                judge,
                task->reference,
                "gives %.*s, not %.*s",
                BYTES_ARG(row->output),
                BYTES_ARG(result.json)
            );
        }
    }
    if (!status_is_terminal(row->status) && judge->settled) {
        model_object(judge, task->reference, "is not done in the step that made it");
    }
    return model_settle(judge, task, row);
}

// The case of a SWITCH as text; data NULL: its script fails.
static bytes
case_of(struct judge *judge, const struct model_task *task, const struct task_view *row) {
    bytes expression = read_text(task->json, "expression", judge->arena);
    bytes value = BYTES_EMPTY;
    if (read_is(task->json, "evaluatorType", "value-param")) {
        value = read_value(row->input, arena_text(judge->arena, expression));
    } else {
        struct evaluation_result result =
            answer(judge, EVALUATION_JAVASCRIPT, expression, row->input);
        check_failure(judge, task, row, &result);
        value = result.outcome == EVALUATION_DONE ? result.json : BYTES_EMPTY;
    }
    return value.data != NULL && json_is_string(value) ? json_string(value, judge->arena) : value;
}

enum model_way model_switch(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    bytes chosen = case_of(judge, task, row);
    enum model_way way = model_settle(judge, task, row);
    bool entered = model_is(row, "COMPLETED");
    uint32_t taken = task->list_count - 1;
    for (uint32_t i = 0; i + 1 < task->list_count; i++) {
        taken = bytes_equal(task->cases[i], chosen) ? i : taken;
    }
    enum model_way behind = way;
    for (uint32_t i = 0; i < task->list_count; i++) {
        enum model_way list = model_follow(judge, &task->lists[i], scope, entered && i == taken);
        behind = entered && i == taken ? list : behind;
    }
    return behind;
}

// --- forks and joins -----------------------------------------------------------------------------

// Whether a dynamic fork before this one made branches: then this one puts its own name in front of
// theirs. After a rerun of it, branches keep the names they had.
static bool
has_long_names(struct judge *judge, const struct task_view *row, bytes name, bytes scope) {
    if (judge->facts.revived) {
        const char *first = arena_format(judge->arena, "_%.*s_0", BYTES_ARG(name));
        return model_newest(judge, model_reference(judge, bytes_from_text(first), scope)) == NULL;
    }
    for (uint32_t i = 0;
         i < judge->execution->task_count && judge->execution->tasks[i].seq < row->seq;
         i++) {
        const struct task_view *other = &judge->execution->tasks[i];
        bytes inputs = read_value(other->input, "forkedTasks");
        if (raw_is(other->type, "FORK") && inputs.data != NULL && json_count(inputs) > 0) {
            return true;
        }
    }
    return false;
}

// The branches of a dynamic fork as definitions of tasks (engine.md §10.5).
static struct model_list branches_of(
    struct judge *judge, const struct model_task *fork, const struct task_view *row, bytes scope
) {
    struct arena *arena = judge->arena;
    bytes inputs = read_value(row->input, "forkTaskInputs");
    bytes tasks = read_value(row->input, "branches");
    bool joined = tasks.data != NULL && json_is_object(tasks);
    bytes source = inputs.data != NULL ? inputs
                   : joined            ? read_value(tasks, "dynamicTasks")
                                       : tasks;
    source = source.data != NULL && json_is_array(source) ? source : JSON_EMPTY_ARRAY;
    bytes name = read_text(row->input, "forkTaskName", arena);
    bool workflows = read_value(row->input, "forkTaskWorkflow").data != NULL;
    name = workflows ? BYTES_LITERAL("SUB_WORKFLOW") : name;
    bool long_names = has_long_names(judge, row, name, scope);
    const char *before = arena_format(arena, "_%.*s", BYTES_ARG(fork->reference));
    struct model_list list = {ARENA_ARRAY(arena, struct model_task, json_count(source) + 1), 0};
    struct json_iter iter = json_iter(source);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        bytes json = element;
        if (inputs.data != NULL) {
            const char *reference = arena_format(
                arena, "%s_%.*s_%u", long_names ? before : "", BYTES_ARG(name), list.count
            );
            json = bytes_from_text(arena_format(
                arena,
                "{\"name\":\"%.*s\",\"type\":\"%s\",\"taskReferenceName\":\"%s\",\"optional\":%s,"
                "\"inputParameters\":%.*s}",
                BYTES_ARG(name),
                workflows ? "SUB_WORKFLOW" : "SIMPLE",
                reference,
                fork->optional ? "true" : "false",
                BYTES_ARG(workflows ? JSON_EMPTY_OBJECT : element)
            ));
        } else if (joined) {
            bytes input = read_value(element, "input");
            json = bytes_from_text(arena_format(
                arena,
                "{\"name\":%.*s,\"taskReferenceName\":%.*s,\"inputParameters\":%.*s}",
                BYTES_ARG(read_value(element, "taskName")),
                BYTES_ARG(read_value(element, "referenceName")),
                BYTES_ARG(input)
            ));
        }
        list.tasks[list.count++] = *model_task_read(judge->model, json, arena);
    }
    return list;
}

enum model_way model_dynamic_fork(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    struct model_list branches = branches_of(judge, task, row, scope);
    for (uint32_t i = 0; i < branches.count; i++) {
        const struct model_list one = {&branches.tasks[i], 1};
        (void)model_follow(judge, &one, scope, model_is(row, "COMPLETED"));
    }
    return model_settle(judge, task, row);
}

struct joined {
    bool all;      // every one is done for good
    bool failed;   // one of them in a way that fails the join
    bool canceled; // … and all of those were CANCELED
    bool errors;   // an optional one was passed over
    uint32_t with_output;
    bool outputs_agree;
};

static void join_one(
    struct judge *judge,
    const struct model_task *task,
    bytes reference,
    bytes output,
    struct joined *joined
) {
    const struct task_view *row = model_newest(judge, reference);
    if (row == NULL || !status_is_terminal(row->status) || model_retry_is_due(task, row)) {
        joined->all = false;
        return;
    }
    joined->errors |= task->optional && model_is(row, "COMPLETED_WITH_ERRORS");
    if (!status_is_successful(row->status) && !task->optional) {
        joined->failed = true;
        joined->canceled = joined->canceled && model_is(row, "CANCELED");
    }
    if (json_count(row->output) > 0) {
        bytes shown = BYTES_EMPTY;
        joined->with_output++;
        joined->outputs_agree = joined->outputs_agree && json_get(output, reference, &shown) &&
                                model_same_output(shown, row->output);
    }
}

// Looks at all that the task joins; `list` names them in a definition of their own, or is NULL.
static struct joined look(
    struct judge *judge,
    bytes references,
    const struct model_list *list,
    const struct task_view *row,
    bytes scope
) {
    struct joined joined = {.all = true, .canceled = true, .outputs_agree = true};
    struct json_iter iter = json_iter(references.data != NULL ? references : JSON_EMPTY_ARRAY);
    bytes element = BYTES_EMPTY;
    while (list == NULL && json_next_element(&iter, &element)) {
        bytes name = json_string(element, judge->arena);
        const struct model_task *task = model_task_find(&judge->definition->list, name);
        if (task != NULL) {
            bytes reference = model_reference(judge, name, scope);
            join_one(judge, task, reference, row->output, &joined);
        }
    }
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        bytes reference = model_reference(judge, list->tasks[i].reference, scope);
        join_one(judge, &list->tasks[i], reference, row->output, &joined);
    }
    return joined;
}

enum model_way model_join(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    const struct model_task *fork = task->previous;
    struct model_list branches = {0};
    bool dynamic = fork != NULL && fork->kind == MODEL_DYNAMIC_FORK;
    const struct task_view *fork_row = NULL;
    if (dynamic) {
        fork_row = model_newest(judge, model_reference(judge, fork->reference, scope));
        if (fork_row != NULL && !model_is(fork_row, "SKIPPED")) {
            branches = branches_of(judge, fork, fork_row, scope);
        }
    }
    bytes references = read_value(task->json, "joinOn");
    struct joined joined = look(judge, references, dynamic ? &branches : NULL, row, scope);
    bool done = model_is(row, "COMPLETED") || model_is(row, "COMPLETED_WITH_ERRORS");
    // What it joined may have begun again: a child that went on opens its parent's task.
    if (done && !judge->facts.revived && (!joined.all || joined.failed)) {
        model_object(
            judge,
            task->reference,
            "is done, but what it joins %s",
            joined.all ? "failed" : "is not"
        );
    }
    if (done && !judge->facts.revived && joined.errors != model_is(row, "COMPLETED_WITH_ERRORS")) {
        model_object(judge, task->reference, "forgot what was passed over, or made it up");
    }
    if (done && !judge->facts.revived &&
        (!joined.outputs_agree || json_count(row->output) != joined.with_output)) {
        model_object(judge, task->reference, "shows other outputs than it joined");
    }
    if (judge->settled && !status_is_terminal(row->status) && joined.all) {
        model_object(judge, task->reference, "waits, but all that it joins is done");
    }
    return model_settle(judge, task, row);
}

enum model_way model_exclusive_join(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    bytes lists[2] = {
        read_value(task->json, "joinOn"), read_value(task->json, "defaultExclusiveJoinTask")};
    const struct task_view *from = NULL;
    for (int i = 0; i < 2 && from == NULL; i++) {
        struct json_iter iter = json_iter(lists[i]);
        bytes element = BYTES_EMPTY;
        while (from == NULL && json_next_element(&iter, &element)) {
            bytes name = json_string(element, judge->arena);
            from = model_newest(judge, i == 0 ? model_reference(judge, name, scope) : name);
            from = from != NULL && model_is(from, "SKIPPED") ? NULL : from;
        }
    }
    if (from == NULL ||
        (model_is(row, "COMPLETED") && !model_same_output(from->output, row->output))) {
        model_object(
            judge, task->reference, "does not show the output of the branch that was taken"
        );
    }
    if (judge->settled && !model_is(row, "COMPLETED")) {
        model_object(judge, task->reference, "waits, but its branch is done");
    }
    return model_settle(judge, task, row);
}

// --- loops ---------------------------------------------------------------------------------------

// Whether another iteration comes after `iteration`: its condition, and of a list the next item.
static bool
goes_on(struct judge *judge, const struct model_task *task, bytes scope, int64_t iteration) {
    bytes items = read_value(read_value(task->json, "inputParameters"), "_items");
    if (items.data != NULL && (int64_t)json_count(items) <= iteration) {
        return false;
    }
    const char *input = arena_format(
        judge->arena,
        "{\"%.*s\":{\"iteration\":%lld}",
        BYTES_ARG(task->reference),
        (long long)iteration
    );
    for (uint32_t i = 0; i < task->lists[0].count; i++) {
        bytes name = task->lists[0].tasks[i].reference;
        const struct task_view *row = model_newest(judge, model_reference(judge, name, scope));
        bytes output = row != NULL ? row->output : JSON_EMPTY_OBJECT;
        input = arena_format(
            judge->arena, "%s,\"%.*s\":%.*s", input, BYTES_ARG(name), BYTES_ARG(output)
        );
    }
    bytes variables = bytes_from_text(arena_format(judge->arena, "%s}", input));
    bytes condition = read_text(task->json, "loopCondition", judge->arena);
    struct evaluation_result result = answer(judge, EVALUATION_JAVASCRIPT, condition, variables);
    return bytes_equal_text(result.json, "true");
}

// What one iteration shows in the loop's output: every task of its body by its plain name.
static uint32_t check_shown(
    struct judge *judge, const struct model_list *list, bytes scope, bytes shown, bytes loop
) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct model_task *task = &list->tasks[i];
        const struct task_view *row =
            model_newest(judge, model_reference(judge, task->reference, scope));
        bytes output = BYTES_EMPTY;
        if (row != NULL) {
            count++;
            if (!json_get(shown, task->reference, &output) ||
                !model_same_output(output, row->output)) {
                model_object(
                    judge, loop, "does not show what %.*s gave", BYTES_ARG(row->reference)
                );
            }
        }
        for (uint32_t j = 0; j < task->list_count; j++) {
            count += check_shown(judge, &task->lists[j], scope, shown, loop);
        }
    }
    return count;
}

static void check_loop_output(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    size_t iterations = 0;
    struct json_iter iter = json_iter(row->output);
    bytes key = BYTES_EMPTY;
    bytes shown = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &shown)) {
        bytes number = json_string(key, judge->arena);
        if (number.data[0] < '1' || number.data[0] > '9') {
            continue;
        }
        iterations++;
        const char *inner =
            arena_format(judge->arena, "%.*s__%.*s", BYTES_ARG(scope), BYTES_ARG(number));
        uint32_t count =
            check_shown(judge, &task->lists[0], bytes_from_text(inner), shown, task->reference);
        if (count != json_count(shown)) {
            model_object(judge, task->reference, "shows more than its iteration did");
        }
    }
    if ((int64_t)iterations != row->iteration ||
        read_int(row->output, "iteration") != row->iteration) {
        model_object(
            judge, task->reference, "does not show its %lld iterations", (long long)row->iteration
        );
    }
}

// Whether a task of this iteration still runs: a SWITCH may be joined before its branch is done.
static bool is_open(struct judge *judge, const struct model_list *body, bytes scope) {
    bool open = false;
    for (uint32_t i = 0; i < body->count; i++) {
        const struct model_task *task = &body->tasks[i];
        const struct task_view *row =
            model_newest(judge, model_reference(judge, task->reference, scope));
        open = open || (row != NULL && !status_is_terminal(row->status));
        for (uint32_t j = 0; j < task->list_count; j++) {
            open = open || is_open(judge, &task->lists[j], scope);
        }
    }
    return open;
}

enum model_way model_loop(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    bool completed = model_is(row, "COMPLETED");
    bool settled = judge->settled;
    enum model_way way = WAY_ON;
    bool more = true;
    bool began_again = false;
    for (int64_t i = 1; i <= row->iteration; i++) {
        const char *inner =
            arena_format(judge->arena, "%.*s__%lld", BYTES_ARG(scope), (long long)i);
        bytes body = bytes_from_text(inner);
        bool last = i == row->iteration;
        judge->settled = last ? settled : !judge->facts.revived;
        way = model_follow(judge, &task->lists[0], body, true);
        way = is_open(judge, &task->lists[0], body) ? WAY_WAITS : way;
        judge->settled = settled;
        more = goes_on(judge, task, body, i);
        // A child of an iteration may have gone on since (engine.md §5.10).
        began_again = judge->facts.revived && way == WAY_WAITS;
        if (!last && !began_again && (way != WAY_ON || !more)) {
            model_object(
                judge,
                task->reference,
                "went on behind iteration %lld, which %s",
                (long long)i,
                way != WAY_ON ? "is not done" : "is the last"
            );
        }
    }
    if (completed && !began_again && row->iteration > 0 && (way != WAY_ON || more)) {
        model_object(judge, task->reference, "ended, but %s", more ? "goes on" : "is not done");
    }
    if (judge->settled && row->iteration > 0 && way == WAY_ON && !status_is_terminal(row->status)) {
        model_object(judge, task->reference, "waits, but its iteration is done");
    }
    if (completed) {
        check_loop_output(judge, task, row, scope);
    }
    return model_settle(judge, task, row);
}
