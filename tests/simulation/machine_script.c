// The twin of node/eval: what a script gives is a table (script.h), when and whether it is told is
// drawn. An answer that the machine's death overtakes is lost with the decision that wanted it.

#include "proto/json/json.h"
#include "proto/limits.h"
#include "tests/simulation/machine_internal.h"
#include "tests/simulation/script.h"

struct running {
    struct machine *machine;
    uint64_t job_id;
    uint32_t index;
    struct evaluation_result result;
};

static void told(void *argument, uint64_t incarnation) {
    struct running *running = argument;
    struct machine *machine = running->machine;
    if (incarnation == machine->incarnation &&
        !machine_sleeps(machine, told, argument, incarnation)) {
        world_trace(
            machine->world,
            "n%u: script %llu/%u gives %d %.*s%.*s",
            machine->plan.number,
            (unsigned long long)running->job_id,
            running->index,
            (int)running->result.outcome,
            BYTES_ARG(running->result.json),
            BYTES_ARG(running->result.error)
        );
        struct node_event event = {
            .kind = NODE_EVALUATED,
            .job_id = running->job_id,
            .evaluation_index = running->index,
            .evaluated = &running->result,
        };
        machine_step(machine, &event);
    }
}

// The pool runs a script again whose process was killed; the second time it is the script's fault.
static int64_t draw_kills_us(struct machine *machine, struct evaluation_result *result) {
    struct world *world = machine->world;
    if (world_maybe(world, 500)) {
        *result = (struct evaluation_result){
            .outcome = EVALUATION_FAILED,
            .json = BYTES_LITERAL("null"),
            .error =
                BYTES_LITERAL("The script needs more memory than it may use, or broke its evaluator"
                ),
        };
    }
    return world_draw(world, 10000, 200000);
}

static int64_t
draw_end_us(struct machine *machine, bool is_parse, struct evaluation_result *result) {
    struct world *world = machine->world;
    if (world_maybe(world, machine->swarm->script_unavailable)) {
        *result = (struct evaluation_result){
            .outcome = EVALUATION_UNAVAILABLE,
            .json = BYTES_LITERAL("null"),
            .error = BYTES_LITERAL("the evaluator is gone"),
        };
        return world_draw(world, 0, 1000000);
    }
    if (world_maybe(world, machine->swarm->script_late)) {
        *result = (struct evaluation_result){
            .outcome = EVALUATION_TIMED_OUT,
            .json = BYTES_LITERAL("null"),
            .error = BYTES_LITERAL("Script not evaluated within 4 seconds, interrupted."),
        };
        return 4000000;
    }
    if (!is_parse && world_maybe(world, machine->swarm->script_killed)) {
        return draw_kills_us(machine, result);
    }
    return world_maybe(world, machine->swarm->script_slow) ? world_draw(world, 1000, 2000000)
                                                           : world_draw(world, 20, 300);
}

// One that is asked ahead is given up after a slice.
static int64_t draw_end_ahead_us(struct machine *machine, struct evaluation_result *result) {
    int64_t us = draw_end_us(machine, false, result);
    if (us <= (int64_t)LIMIT_EVALUATION_SLICE_MS * 1000) {
        return us;
    }
    *result = (struct evaluation_result){
        .outcome = EVALUATION_TIMED_OUT,
        .json = BYTES_LITERAL("null"),
    };
    return (int64_t)LIMIT_EVALUATION_SLICE_MS * 1000;
}

void machine_run_script(struct machine *machine, const struct node_effect *effect) {
    struct arena *arena = machine->scripts;
    struct running *running = ARENA_NEW(arena, struct running);
    running->machine = machine;
    running->job_id = effect->job_id;
    running->index = effect->evaluation_index;
    const struct evaluation *evaluation = &effect->evaluation;
    bytes text = arena_copy(arena, evaluation->text);
    bytes input = arena_copy(arena, evaluation->input);
    if (evaluation->kind == EVALUATION_PARSE) {
        running->result = (struct evaluation_result){EVALUATION_DONE, JSON_NULL_TEXT, BYTES_EMPTY};
    } else if (!script_answer(evaluation->language, text, input, arena, &running->result)) {
        world_fail(machine->world, "machine", "an unknown script: %.*s", BYTES_ARG(text));
    }
    world_note(machine->world, text);
    world_note(machine->world, input);
    int64_t us = evaluation->ahead
                     ? draw_end_ahead_us(machine, &running->result)
                     : draw_end_us(machine, evaluation->kind == EVALUATION_PARSE, &running->result);
    world_after(machine->world, us * 1000, told, running, machine->incarnation);
}
