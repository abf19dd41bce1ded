// A loop's output is a view: `{"1": {ref: output}, …, "iteration": n}` has one entry for each
// iteration and is made from the tasks' rows. One member of it costs that member only, which is
// what `${loop.output.iteration}` and most conditions ask for.
//
// A condition gets what it names. Its text is not parsed: every `$` in it must be followed by the
// plain name of a variable, and the loop's own output by the plain name of a member, or all of it
// is handed over. Too much is only slow, too little would be wrong; so anything unusual means all.
#include "scheduler/tasks/loop.h"

#include "proto/json/json.h"
#include "scheduler/tasks/fork_plan.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

// What a condition reads.
struct wanted {
    bool all;
    bool whole_output;
    bytes *names; // variables
    size_t name_count;
    bytes *members; // of the loop's own output
    size_t member_count;
};

static err put_together(struct task *loop, uint32_t first, uint32_t last, bytes *out_json);
static err head_of(struct task *loop, bytes *out_json);
static err write_iteration(struct task *loop, uint32_t iteration, struct json_writer *writer);
static bool iteration_of(const struct task *loop, bytes member, uint32_t *out_iteration);
static void find_wanted(struct task *loop, bytes input, bytes text, struct wanted *out);
static bool read_name(bytes text, size_t *at, bytes *out_name);
static bool has(const bytes *names, size_t count, bytes name);
static err own_output(struct task *loop, const struct wanted *wanted, bytes *out_json);
static err
drop_scope(struct workflow *workflow, const struct definition_task *definition, bytes suffix);
static err drop_task(struct workflow *workflow, bytes reference);

bytes loop_suffix(const struct task *loop, uint32_t iteration) {
    bytes own = task_suffix(loop);
    return bytes_from_text(
        arena_format(loop->workflow->decision->arena, "%.*s__%u", BYTES_ARG(own), iteration)
    );
}

err loop_task(
    struct task *loop,
    uint32_t iteration,
    const struct definition_task *definition,
    struct task **out_task
) {
    bytes own = task_suffix(loop);
    const char *reference = arena_format(
        loop->workflow->decision->arena,
        "%.*s%.*s__%u",
        BYTES_ARG(definition->model.task_reference_name),
        BYTES_ARG(own),
        iteration
    );
    return task_newest(loop->workflow, bytes_from_text(reference), out_task, NULL);
}

bool loop_is_settled(const struct task *task) {
    const struct wire_u32_list *pending = &task->workflow->row.pending;
    for (uint32_t i = 0; i < pending->count; i++) {
        if (pending->items[i] == task->number) {
            return false;
        }
    }
    return task_is_terminal(task) && (task->row.flags & TASK_RETRIED) == 0;
}

struct loop_walk loop_walk(const struct task *loop) {
    return (struct loop_walk
    ){loop->workflow->definition, loop->definition->index, loop->definition->index + 1};
}

bool loop_walk_next(struct loop_walk *walk, const struct definition_task **out_definition) {
    // Depth first: the body's definitions stand behind the loop's, each with a loop around it.
    while (walk->next < walk->tree->task_count &&
           walk->tree->tasks[walk->next].loop != DEFINITION_NONE) {
        const struct definition_task *definition = &walk->tree->tasks[walk->next++];
        if (definition->loop == walk->loop) {
            *out_definition = definition;
            return true;
        }
    }
    return false;
}

err do_while_output(struct task *loop, bytes member, bytes *out_json) {
    uint32_t only = 0;
    if (member.data == NULL) {
        return loop_output(loop, false, out_json);
    }
    return iteration_of(loop, member, &only) ? put_together(loop, only, only, out_json)
                                             : head_of(loop, out_json);
}

err loop_output(struct task *loop, bool with_present, bytes *out_json) {
    uint32_t last = loop->row.iteration;
    return put_together(
        loop, loop->row.cursor + 1, with_present || last == 0 ? last : last - 1, out_json
    );
}

static err put_together(struct task *loop, uint32_t first, uint32_t last, bytes *out_json) {
    struct workflow *workflow = loop->workflow;
    bytes head = BYTES_EMPTY;
    TRY(head_of(loop, &head));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    err error = ERR_NONE;
    for (uint32_t i = first; i <= last && !err_is(error) && !buffer.overflowed; i++) {
        error = write_iteration(loop, i, &writer);
    }
    json_object_end(&writer);
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    bytes iterations = BYTES_EMPTY;
    TRY(payload_take(&buffer, workflow->decision->arena, &iterations));
    *out_json = json_merge(iterations, head, workflow->decision->arena);
    return ERR_NONE;
}

// What is stored of an open loop's output. One that had ended and was opened again has all of it.
static err head_of(struct task *loop, bytes *out_json) {
    static const char *const members[] = {"iteration", "loopIndex", "loopItem"};
    struct workflow *workflow = loop->workflow;
    bytes stored = BYTES_EMPTY;
    TRY(payload_load(workflow, task_output(loop), &stored));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        bytes value = BYTES_EMPTY;
        if (json_get_text(stored, members[i], &value)) {
            json_member_raw(&writer, members[i], value);
        }
    }
    json_object_end(&writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

// Up to the first task without success, as in the reference.
static err write_iteration(struct task *loop, uint32_t iteration, struct json_writer *writer) {
    struct workflow *workflow = loop->workflow;
    struct loop_walk walk = loop_walk(loop);
    const struct definition_task *definition = NULL;
    bool begun = false;
    bool successful = true;
    while (successful && loop_walk_next(&walk, &definition)) {
        struct task *task = NULL;
        bytes output = BYTES_EMPTY;
        TRY(loop_task(loop, iteration, definition, &task));
        if (task == NULL) {
            continue;
        }
        if (!begun) {
            json_key(writer, arena_format(workflow->decision->arena, "%u", iteration));
            json_object_begin(writer);
            begun = true;
        }
        TRY(payload_load(workflow, task_output(task), &output));
        json_key_bytes(writer, definition->model.task_reference_name);
        json_raw(writer, output);
        bool is_open = !task_is_terminal(task) ||
                       (task->is_closing && task->number > loop->number); // canceled after it
        successful = is_open || task_is_successful(task);
    }
    if (begun) {
        json_object_end(writer);
    }
    return ERR_NONE;
}

static bool iteration_of(const struct task *loop, bytes member, uint32_t *out_iteration) {
    int64_t number = 0;
    if (!bytes_parse_i64(member, &number) || number <= (int64_t)loop->row.cursor ||
        number > (int64_t)loop->row.iteration || member.data[0] < '1' || member.data[0] > '9') {
        return false;
    }
    *out_iteration = (uint32_t)number;
    return true;
}

// --- the condition
// -------------------------------------------------------------------------------

err loop_variables(struct task *loop, bytes input, bytes condition, bytes *out_variables) {
    struct workflow *workflow = loop->workflow;
    struct wanted wanted = {.all = false};
    find_wanted(loop, input, condition, &wanted);
    bytes own = BYTES_EMPTY;
    TRY(own_output(loop, &wanted, &own));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_key_bytes(&writer, task_base(loop));
    json_raw(&writer, own);
    bytes head = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = head_of(loop, &head);
    if (!err_is(error) && json_get_text(head, "loopIndex", &value)) {
        json_member_raw(&writer, "loopIndex", value);
        (void)json_get_text(head, "loopItem", &value);
        json_member_raw(&writer, "loopItem", value);
    }
    struct loop_walk walk = loop_walk(loop);
    const struct definition_task *definition = NULL;
    while (!err_is(error) && loop_walk_next(&walk, &definition)) {
        bytes base = definition->model.task_reference_name;
        struct task *task = NULL;
        if (!wanted.all && !has(wanted.names, wanted.name_count, base)) {
            continue;
        }
        error = task_latest(workflow, base, &task);
        if (!err_is(error) && task != NULL) {
            error = payload_load(workflow, task_output(task), &value);
            json_key_bytes(&writer, base);
            json_raw(&writer, value);
        }
    }
    json_object_end(&writer);
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    bytes outputs = BYTES_EMPTY;
    TRY(payload_take(&buffer, workflow->decision->arena, &outputs));
    *out_variables = json_merge(input, outputs, workflow->decision->arena);
    return ERR_NONE;
}

static err own_output(struct task *loop, const struct wanted *wanted, bytes *out_json) {
    if (wanted->all || wanted->whole_output) {
        return loop_output(loop, true, out_json);
    }
    TRY(head_of(loop, out_json));
    for (size_t i = 0; i < wanted->member_count; i++) {
        bytes one = BYTES_EMPTY;
        TRY(do_while_output(loop, wanted->members[i], &one));
        *out_json = json_merge(*out_json, one, loop->workflow->decision->arena);
    }
    return ERR_NONE;
}

static bool is_word(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte >= 0x80;
}

// Whether a name can only be a variable of this loop, and no method that sees them all.
static bool is_variable(struct task *loop, bytes input, bytes name) {
    bytes value = BYTES_EMPTY;
    if (json_get(input, name, &value) || bytes_equal(name, task_base(loop)) ||
        bytes_equal_text(name, "loopIndex") || bytes_equal_text(name, "loopItem")) {
        return true;
    }
    const struct definition_task *definition = definition_find(loop->workflow->definition, name);
    return definition != NULL && definition->loop == loop->definition->index;
}

static bool is_member(bytes name) {
    return bytes_equal_text(name, "iteration") || bytes_equal_text(name, "loopIndex") ||
           bytes_equal_text(name, "loopItem") ||
           (name.size > 0 && name.size < 10 && name.data[0] >= '1' && name.data[0] <= '9');
}

static bool holds(bytes text, bytes piece) {
    for (size_t at = 0; at + piece.size <= text.size; at++) {
        if (bytes_equal(bytes_slice(text, at, at + piece.size), piece)) {
            return true;
        }
    }
    return false;
}

static void find_wanted(struct task *loop, bytes input, bytes text, struct wanted *out) {
    struct arena *arena = loop->workflow->decision->arena;
    static const char *const unusual[] = {"eval", "Function", "\\", "`"};
    out->names = ARENA_ARRAY(arena, bytes, text.size + 1);
    out->members = ARENA_ARRAY(arena, bytes, text.size + 1);
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
        out->all = out->all || holds(text, bytes_from_text(unusual[i]));
    }
    for (size_t at = bytes_find(text, 0, '$'); at < text.size && !out->all;
         at = bytes_find(text, at, '$')) {
        bytes name = BYTES_EMPTY;
        bool word = at > 0 && (is_word(text.data[at - 1]) || text.data[at - 1] == '$');
        at++;
        if (word || !read_name(text, &at, &name) || !is_variable(loop, input, name)) {
            out->all = true;
            return;
        }
        out->names[out->name_count++] = name;
        if (!bytes_equal(name, task_base(loop))) {
            continue;
        }
        bytes member = BYTES_EMPTY;
        if (!read_name(text, &at, &member) || !is_member(member)) {
            out->whole_output = true;
        } else {
            out->members[out->member_count++] = member;
        }
    }
}

// `.name`, `['name']` or `["name"]` at this place.
static bool read_name(bytes text, size_t *at, bytes *out_name) {
    size_t from = *at + 1;
    if (*at >= text.size) {
        return false;
    }
    if (text.data[*at] == '.') {
        size_t to = from;
        while (to < text.size && is_word(text.data[to])) {
            to++;
        }
        *out_name = bytes_slice(text, from, to);
        *at = to;
        return to > from && (to == text.size || text.data[to] != '$');
    }
    if (text.data[*at] != '[' || from >= text.size ||
        (text.data[from] != '\'' && text.data[from] != '"')) {
        return false;
    }
    size_t to = bytes_find(text, from + 1, text.data[from]);
    if (to + 1 >= text.size || text.data[to + 1] != ']') {
        return false;
    }
    *out_name = bytes_slice(text, from + 1, to);
    *at = to + 2;
    return true;
}

static bool has(const bytes *names, size_t count, bytes name) {
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

// --- keepLastN
// -----------------------------------------------------------------------------------

err loop_drop(struct task *loop, bytes input) {
    struct workflow *workflow = loop->workflow;
    bytes value = BYTES_EMPTY;
    int64_t keep = 0;
    if (!json_get_text(input, "keepLastN", &value)) {
        return ERR_NONE;
    }
    bool given = json_is_string(value)
                     ? bytes_parse_i64(json_string(value, workflow->decision->arena), &keep)
                     : json_i64(value, &keep);
    while (given && keep > 0 && (int64_t)loop->row.iteration - loop->row.cursor > keep) {
        loop->row.cursor++;
        loop->dirty = true;
        TRY(drop_scope(workflow, loop->definition, loop_suffix(loop, loop->row.cursor)));
    }
    return ERR_NONE;
}

// Everything of one iteration: its tasks, what their forks made, what their loops ran.
static err
drop_scope(struct workflow *workflow, const struct definition_task *definition, bytes suffix) {
    struct arena *arena = workflow->decision->arena;
    struct loop_walk walk = {workflow->definition, definition->index, definition->index + 1};
    const struct definition_task *body = NULL;
    while (loop_walk_next(&walk, &body)) {
        const char *text = arena_format(
            arena, "%.*s%.*s", BYTES_ARG(body->model.task_reference_name), BYTES_ARG(suffix)
        );
        bytes reference = bytes_from_text(text);
        struct task *task = NULL;
        TRY(task_newest(workflow, reference, &task, NULL));
        if (task == NULL) {
            continue;
        }
        if (body->type == TASK_TYPE_DO_WHILE) {
            for (uint32_t i = task->row.cursor + 1; i <= task->row.iteration; i++) {
                TRY(drop_scope(workflow, body, loop_suffix(task, i)));
            }
        }
        if (body->type == TASK_TYPE_FORK_JOIN_DYNAMIC) {
            bytes input = BYTES_EMPTY;
            struct fork_plan plan;
            struct fork_branch branch;
            TRY(payload_load(workflow, task_input(task), &input));
            bool long_names = (task->row.flags & TASK_LONG_NAMES) != 0;
            fork_plan_begin(&plan, workflow->decision, body, input, long_names);
            while (fork_plan_next(&plan, false, &branch)) {
                text =
                    arena_format(arena, "%.*s%.*s", BYTES_ARG(branch.reference), BYTES_ARG(suffix));
                TRY(drop_task(workflow, bytes_from_text(text)));
            }
        }
        TRY(drop_task(workflow, reference));
    }
    return ERR_NONE;
}

// All attempts of a reference, the newest first.
static err drop_task(struct workflow *workflow, bytes reference) {
    struct task *task = NULL;
    TRY(task_newest(workflow, reference, &task, NULL));
    while (task != NULL) {
        id128 older = task->row.retried_task;
        struct task_place_row place = {0};
        if (!task_is_terminal(task)) {
            return ERR_NONE; // a branch that no JOIN waited for
        }
        payload_delete(workflow, task_input(task));
        payload_delete(workflow, task_output(task));
        for (uint32_t line = task->row.log_first; line < task->row.log_next; line++) {
            struct key log = key_log(workflow->id, workflow->row.run, task->number, line);
            store_txn_del(workflow->decision->txn, key_bytes(&log));
        }
        TRY(task_remove(task));
        task = NULL;
        if (id_is_zero(older)) {
            continue;
        }
        struct key key = key_task_id(older);
        err error = row_get(
            workflow->decision->txn, &key, &task_place_row_record, workflow->decision->arena, &place
        );
        if (error.code != ERR_NOT_FOUND) {
            TRY(error);
            TRY(task_find(workflow, place.task_no, &task));
        }
    }
    return ERR_NONE;
}
