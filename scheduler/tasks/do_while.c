// DO_WHILE: its body again and again, each time under names of their own (engine.md §10.10).
//
// Looked at when a task of its body settled; it does something only when the whole iteration is
// done. Nothing here walks earlier iterations, so 10 000 of them cost 10 000 times one: the output
// that grows with each is put together from the tasks for whoever asks (loop_output.c) and stored
// once, at the end. While the loop is open its stored output is the head alone: `iteration`, and of
// a loop over a list `loopIndex` and `loopItem`.
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/decider.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/loop.h"

static err start_iteration(struct task *loop, uint32_t iteration, bytes items);
static bool set_iteration(struct task *loop, uint32_t iteration, bytes items);
static err look_at_body(struct task *loop, bool *out_done, struct task **out_failed);
static err goes_on(struct task *loop, bytes input, bytes items, bool *out_continues);
static err end(struct task *loop, enum api_task_status status);
static err evaluated_input(struct task *loop, bytes *out_input);
static err list_of(struct task *loop, bytes input, bytes *out_items);
static bool item_at(struct task *loop, bytes items, uint32_t index, bytes *out_item);
static bool is_constant(bytes text);
static bool is_true(bytes value);

static err begin(struct task *loop) {
    bytes input = BYTES_EMPTY;
    bytes items = BYTES_EMPTY;
    bytes item = BYTES_EMPTY;
    if (loop->definition->branch_count == 0 || loop->definition->branches[0] == DEFINITION_NONE) {
        task_set_reason(loop, BYTES_LITERAL("The loop has no tasks"));
        return task_move(loop, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    TRY(payload_load(loop->workflow, task_input(loop), &input));
    TRY(list_of(loop, input, &items));
    loop->row.iteration = 0;
    loop->row.cursor = 0;
    if (items.data != NULL && !item_at(loop, items, 0, &item)) {
        check(task_set_output(loop, BYTES_LITERAL("{\"iteration\":0}")));
        return task_move(loop, API_TASK_COMPLETED);
    }
    return start_iteration(loop, 1, items);
}

static err look(struct task *loop) {
    bool done = false;
    struct task *failed = NULL;
    TRY(look_at_body(loop, &done, &failed));
    if (failed != NULL) {
        bytes reason =
            (failed->row.flags & TASK_HAS_REASON) != 0 ? failed->row.reason : BYTES_LITERAL("");
        task_format_reason(loop, "%.*s ", BYTES_ARG(reason));
        return end(loop, API_TASK_FAILED);
    }
    if (!done) {
        return ERR_NONE;
    }
    bytes input = BYTES_EMPTY;
    bytes items = BYTES_EMPTY;
    bool continues = false;
    TRY(evaluated_input(loop, &input));
    TRY(list_of(loop, input, &items));
    TRY(goes_on(loop, input, items, &continues));
    if (task_is_terminal(loop)) {
        return ERR_NONE;
    }
    TRY(loop_drop(loop, input));
    uint32_t next = loop->row.iteration + (mutant_is("loop_iteration_twice") ? 0 : 1);
    return continues ? start_iteration(loop, next, items) : end(loop, API_TASK_COMPLETED);
}

// At its end the whole output is stored, also when its workflow's end takes the loop along. The
// present iteration belongs to it only if what ended the workflow is a task of it that the server
// ran itself: the reference looks at the loop in the same pass then.
static err leaves(struct task *loop, bytes *out_json) {
    const struct task *cause = loop->workflow->ending.task;
    bool with_present = false;
    if (cause != NULL && cause->definition->loop == loop->definition->index) {
        const struct task_kind *kind = task_kind_of(cause->definition->type);
        with_present = !kind->worker && kind->wake == NULL && kind->look == NULL;
    }
    return loop_output(loop, with_present, out_json);
}

err do_while_of(const struct task *task, struct task **out_loop) {
    struct workflow *workflow = task->workflow;
    uint32_t index = task->definition->loop;
    *out_loop = NULL;
    if (index == DEFINITION_NONE) {
        return ERR_NONE;
    }
    bytes suffix = task_suffix(task);
    size_t at = suffix.size;
    while (at > 0 && suffix.data[at - 1] != '_') {
        at--;
    }
    bytes outer = bytes_slice(suffix, 0, at >= 2 ? at - 2 : 0);
    const char *reference = arena_format(
        workflow->decision->arena,
        "%.*s%.*s",
        BYTES_ARG(workflow->definition->tasks[index].model.task_reference_name),
        BYTES_ARG(outer)
    );
    return task_newest(workflow, bytes_from_text(reference), out_loop, NULL);
}

// The loop is in this iteration, and its stored output says so. False: its item is too large.
static bool set_iteration(struct task *loop, uint32_t iteration, bytes items) {
    struct arena *arena = loop->workflow->decision->arena;
    loop->row.iteration = iteration;
    loop->dirty = true;
    const char *head = arena_format(arena, "{\"iteration\":%u}", iteration);
    bytes item = BYTES_EMPTY;
    if (items.data != NULL && item_at(loop, items, iteration - 1, &item)) {
        head = arena_format(
            arena,
            "{\"iteration\":%u,\"loopIndex\":%u,\"loopItem\":%.*s}",
            iteration,
            iteration - 1,
            BYTES_ARG(item)
        );
    }
    payload_delete(loop->workflow, task_output(loop));
    if (!task_set_output(loop, bytes_from_text(head))) {
        task_set_too_large(loop, item.size);
        return false;
    }
    return true;
}

err do_while_rewind(struct task *loop, uint32_t iteration) {
    bytes input = BYTES_EMPTY;
    bytes items = BYTES_EMPTY;
    TRY(evaluated_input(loop, &input));
    TRY(list_of(loop, input, &items));
    bool fits = set_iteration(loop, iteration, items);
    return fits ? ERR_NONE : task_move(loop, API_TASK_FAILED_WITH_TERMINAL_ERROR);
}

err do_while_resume(struct task *loop) {
    const struct definition *tree = loop->workflow->definition;
    uint32_t iteration = loop->row.iteration > 0 ? loop->row.iteration : 1;
    struct task *first = NULL;
    bytes input = BYTES_EMPTY;
    bytes items = BYTES_EMPTY;
    TRY(loop_task(loop, iteration, &tree->tasks[loop->definition->branches[0]], &first));
    if (first != NULL) {
        return ERR_NONE;
    }
    TRY(evaluated_input(loop, &input));
    TRY(list_of(loop, input, &items));
    return start_iteration(loop, iteration, items);
}

static err start_iteration(struct task *loop, uint32_t iteration, bytes items) {
    struct workflow *workflow = loop->workflow;
    struct schedule alone = {.workflow = workflow};
    struct schedule *schedule = workflow->schedule != NULL ? workflow->schedule : &alone;
    if (!set_iteration(loop, iteration, items)) {
        return task_move(loop, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    bytes suffix = loop_suffix(loop, iteration);
    schedule->scope = (struct schedule_scope){suffix, iteration};
    TRY(schedule_map(schedule, &workflow->definition->tasks[loop->definition->branches[0]]));
    // A loop that is opened again by a client has no generation around it.
    return schedule == &alone ? decider_admit(schedule) : ERR_NONE;
}

// `*out_done`: every task of the iteration is terminal and followed up, the last of the body among
// them. `*out_failed`: one that is settled without success.
static err look_at_body(struct task *loop, bool *out_done, struct task **out_failed) {
    const struct definition *tree = loop->workflow->definition;
    *out_done = false;
    // The last one decides quickly that an iteration is not done.
    uint32_t last = loop->definition->branches[0];
    while (tree->tasks[last].next != DEFINITION_NONE) {
        last = tree->tasks[last].next;
    }
    struct task *task = NULL;
    TRY(loop_task(loop, loop->row.iteration, &tree->tasks[last], &task));
    bool may_be_done = task != NULL && loop_is_settled(task);
    bool done = may_be_done;
    struct loop_walk walk = loop_walk(loop);
    const struct definition_task *definition = NULL;
    while ((may_be_done || loop->workflow->row.permissive.count > 0) &&
           loop_walk_next(&walk, &definition)) {
        TRY(loop_task(loop, loop->row.iteration, definition, &task));
        if (task == NULL) {
            done = done && definition->parent != loop->definition->index;
        } else if (!loop_is_settled(task)) {
            done = false;
        } else if (!task_is_successful(task)) {
            *out_failed = task;
            return ERR_NONE;
        }
    }
    *out_done = done;
    return ERR_NONE;
}

static err goes_on(struct task *loop, bytes input, bytes items, bool *out_continues) {
    struct workflow *workflow = loop->workflow;
    bytes condition = loop->definition->model.loop_condition;
    bytes item = BYTES_EMPTY;
    bool more = items.data == NULL || item_at(loop, items, loop->row.iteration, &item);
    *out_continues = more && items.data != NULL;
    if (bytes_trim(condition).size == 0 || !more) {
        return ERR_NONE;
    }
    bytes variables = BYTES_EMPTY;
    TRY(loop_variables(loop, input, condition, &variables));
    struct evaluation evaluation = {
        .language = EVALUATION_JAVASCRIPT, .text = condition, .input = variables};
    struct evaluation_result result;
    TRY(decision_evaluate(workflow->decision, &evaluation, &result));
    if (result.outcome == EVALUATION_DONE) {
        *out_continues = is_true(result.json) || mutant_is("loop_condition_lost");
        return ERR_NONE;
    }
    const char *text = arena_format(
        workflow->decision->arena,
        "Unable to evaluate condition %.*s, exception %.*s",
        BYTES_ARG(condition),
        BYTES_ARG(result.error)
    );
    task_set_reason(loop, bytes_from_text(text));
    return end(loop, API_TASK_FAILED_WITH_TERMINAL_ERROR);
}

static err end(struct task *loop, enum api_task_status status) {
    bytes output = BYTES_EMPTY;
    TRY(loop_output(loop, true, &output));
    payload_delete(loop->workflow, task_output(loop));
    if (!task_set_output(loop, output)) {
        task_set_too_large(loop, output.size);
        status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
    return task_move(loop, status);
}

// The inputParameters as they are now: a condition sees fresh variables.
static err evaluated_input(struct task *loop, bytes *out_input) {
    struct context_options options = {.task_id = task_id_text(loop), .with_template = true};
    return context_task_input(loop->workflow, loop->definition, &options, out_input);
}

// The list of a loop over one; data NULL: it is none. What is not a list is a list of one.
static err list_of(struct task *loop, bytes input, bytes *out_items) {
    struct arena *arena = loop->workflow->decision->arena;
    struct loop_list *list = &loop->workflow->loop_list;
    bytes text = loop->definition->model.items;
    bytes value = BYTES_EMPTY;
    bool own = bytes_trim(text).size > 0;
    if (own && list->task_no == loop->number && list->items.data != NULL) {
        *out_items = list->items;
        return ERR_NONE;
    }
    if (own) {
        TRY(context_evaluate(
            loop->workflow, json_string_value(text, arena), task_id_text(loop), &value
        ));
    } else if (!json_get_text(input, "_items", &value)) {
        *out_items = BYTES_EMPTY;
        return ERR_NONE;
    }
    if (json_is_null(value)) {
        value = JSON_EMPTY_ARRAY;
    }
    *out_items = json_is_array(value)
                     ? value
                     : bytes_from_text(arena_format(arena, "[%.*s]", BYTES_ARG(value)));
    *list = (struct loop_list){.items = *out_items, .rest = json_iter(*out_items)};
    if (own && is_constant(text)) {
        list->task_no = loop->number;
    }
    return ERR_NONE;
}

// One expression of the workflow's input, which nothing can change.
static bool is_constant(bytes text) {
    return bytes_starts_with(text, BYTES_LITERAL("${workflow.input.")) &&
           bytes_find(text, 1, '$') == text.size;
}

// Goes on where the last look at this list ended: a list is read once a decision, not once an item.
static bool item_at(struct task *loop, bytes items, uint32_t index, bytes *out_item) {
    struct loop_list *list = &loop->workflow->loop_list;
    if (list->items.data != items.data || index + 1 < list->next) {
        *list = (struct loop_list){.items = items, .rest = json_iter(items)};
    }
    while (list->next <= index) {
        bytes item = BYTES_EMPTY;
        if (!json_next_element(&list->rest, &item)) {
            return false;
        }
        list->item = item;
        list->next++;
    }
    *out_item = list->item;
    return true;
}

static bool is_true(bytes value) {
    double number = 0;
    return json_kind(value) == JSON_TRUE || (json_double(value, &number) && number > 0);
}

const struct task_kind task_kind_do_while = {
    .never_retried = true,
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
    .look = look,
    .leaves = leaves,
};
