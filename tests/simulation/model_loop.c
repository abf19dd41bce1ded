// Loops: which iterations there are, whether another one was due, what the output shows of them
// (engine.md §10.10).

#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"

// The name of an iteration behind those of the loops around it.
static bytes scope_of(const struct place *place, int64_t iteration) {
    return bytes_from_text(arena_format(
        place->judge->arena, "%.*s__%lld", BYTES_ARG(place->scope), (long long)iteration
    ));
}

// Whether another iteration comes after `iteration`: its condition, and of a list the next item.
static bool goes_on(const struct place *place, int64_t iteration) {
    struct judge *judge = place->judge;
    const struct model_task *task = place->task;
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
        const struct task_view *row = model_newest(judge, name, scope_of(place, iteration));
        bytes output = row != NULL ? row->output : JSON_EMPTY_OBJECT;
        input = arena_format(
            judge->arena, "%s,\"%.*s\":%.*s", input, BYTES_ARG(name), BYTES_ARG(output)
        );
    }
    bytes variables = bytes_from_text(arena_format(judge->arena, "%s}", input));
    bytes condition = read_text(task->json, "loopCondition", judge->arena);
    struct evaluation_result result =
        model_script_answer(judge, EVALUATION_JAVASCRIPT, condition, variables);
    return bytes_equal_text(result.json, "true");
}

// What an iteration has of its body.
struct body {
    uint32_t count;
    bool open;  // a task still runs: a SWITCH may be joined before its branch is done
    bool shown; // the loop's output has every one by its plain name
};

static void look(
    struct judge *judge, const struct model_list *list, bytes scope, bytes output, struct body *out
) {
    for (uint32_t i = 0; i < list->count; i++) {
        const struct model_task *task = &list->tasks[i];
        const struct task_view *row = model_newest(judge, task->reference, scope);
        bytes given = BYTES_EMPTY;
        if (row != NULL) {
            out->count++;
            out->open = out->open || !status_is_terminal(row->status);
            out->shown = out->shown && json_is_object(output) &&
                         json_get(output, task->reference, &given) &&
                         model_same_output(given, row->output);
        }
        for (uint32_t j = 0; j < task->list_count; j++) {
            look(judge, &task->lists[j], scope, output, out);
        }
    }
}

static struct body body_of(const struct place *place, int64_t iteration) {
    const char *key = arena_format(place->judge->arena, "%lld", (long long)iteration);
    bytes shown = read_value(place->row->output, key);
    struct body body = {.shown = true};
    shown = shown.data != NULL ? shown : JSON_EMPTY_OBJECT;
    look(place->judge, &place->task->lists[0], scope_of(place, iteration), shown, &body);
    body.shown = body.shown && json_count(shown) == body.count;
    return body;
}

// How many iterations were dropped: with the end of one, or as soon as the next begins, those go
// that are more than keepLastN behind.
static int64_t dropped(const struct place *place) {
    bytes parameters = read_value(place->task->json, "inputParameters");
    int64_t keep = read_int(parameters, "keepLastN");
    int64_t most = keep > 0 && place->row->iteration > keep ? place->row->iteration - keep : 0;
    bool sure = most == 0 || model_is(place->row, "COMPLETED");
    return sure || body_of(place, most).count == 0 ? most : most - 1;
}

static void check_output(const struct place *place, int64_t first) {
    struct json_iter iter = json_iter(place->row->output);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    int64_t shown = 0;
    while (json_next_member(&iter, &key, &value)) {
        shown += key.data[1] >= '1' && key.data[1] <= '9';
    }
    bool right = shown == place->row->iteration - first + 1 &&
                 read_int(place->row->output, "iteration") == place->row->iteration;
    // What a child gave may have changed since, when it went on.
    for (int64_t i = first; i <= place->row->iteration && right; i++) {
        right = place->judge->facts.revived || body_of(place, i).shown;
    }
    model_expect(place, right, "does not show its %lld iterations", (long long)shown);
}

enum model_way model_loop(const struct place *place) {
    struct judge *judge = place->judge;
    const struct task_view *row = place->row;
    bool completed = model_is(row, "COMPLETED");
    bool settled = judge->settled;
    bool again = false; // a child of an iteration may have gone on since (engine.md §5.10)
    bool more = true;
    enum model_way way = WAY_ON;
    int64_t first = dropped(place) + 1;
    for (int64_t i = first; i <= row->iteration; i++) {
        bool last = i == row->iteration;
        judge->settled = last ? settled : !judge->facts.revived;
        way = model_follow(judge, &place->task->lists[0], scope_of(place, i), true);
        judge->settled = settled;
        way = body_of(place, i).open ? WAY_WAITS : way;
        more = goes_on(place, i);
        again = judge->facts.revived && way != WAY_ON;
        model_expect(
            place,
            last || again || (way == WAY_ON && more),
            "went on behind iteration %lld, which %s",
            (long long)i,
            way != WAY_ON ? "is not done" : "is the last"
        );
    }
    if (row->iteration > 0) {
        model_expect(
            place,
            !completed || again || (way == WAY_ON && !more),
            "ended, but %s",
            more ? "goes on" : "is not done"
        );
        model_expect(
            place,
            !judge->settled || way != WAY_ON || status_is_terminal(row->status),
            "waits, but its iteration is done"
        );
    }
    if (completed) {
        check_output(place, first);
    }
    return model_settle(place);
}
