// A walk along successors, which go forward in document order: what lies between the task that
// waits and the one that is looked at has not run, all else is as the rows say. Results that were
// foreseen earlier and have come stand for the outputs of their tasks.
//
// The walk goes past a SWITCH, not into it: what is in its branches counts as not known. It ends at
// the first task that does not end at once, in such a branch, too: there the decision would end.
#include "scheduler/foresight.h"

#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"

static bool go_on(
    const struct definition *definition,
    const struct definition_task **task,
    struct context_ahead *ahead
);
static bool word(
    struct workflow *workflow,
    const struct definition_task *definition,
    struct context_ahead *ahead,
    struct evaluation *out_evaluation
);
static void note(
    const struct definition_task *definition,
    const struct evaluation_result *result,
    struct arena *arena,
    struct context_ahead *ahead
);
static bool is_asked_for(const struct decision *decision, const struct evaluation *evaluation);

void foresight_look(struct workflow *workflow, const struct definition_task *definition) {
    struct decision *decision = workflow->decision;
    if (definition != &workflow->definition->tasks[definition->index]) {
        return; // a branch of a dynamic fork is in no tree
    }
    struct context_ahead ahead = {.from = definition->index};
    while (decision->foreseen_count < LIMIT_DECISION_FORESEEN &&
           go_on(workflow->definition, &definition, &ahead)) {
        struct evaluation evaluation;
        if (!word(workflow, definition, &ahead, &evaluation)) {
            continue;
        }
        const struct evaluation_result *known = decision_known(decision, &evaluation);
        if (known != NULL) {
            note(definition, known, decision->arena, &ahead);
        } else if (!is_asked_for(decision, &evaluation)) {
            decision_foresee(decision, &evaluation);
        }
    }
}

// To the task's successor. False: there is none that the same decision surely reaches.
static bool go_on(
    const struct definition *definition,
    const struct definition_task **task,
    struct context_ahead *ahead
) {
    uint32_t next = (*task)->successor;
    if (next == DEFINITION_NONE || next - ahead->from > LIMIT_FORESIGHT_TASKS) {
        return false;
    }
    for (uint32_t i = (*task)->index + 1; i <= next; i++) {
        const struct task_kind *kind = task_kind_of(definition->tasks[i].type);
        if (kind == NULL || !kind->at_once) {
            return false;
        }
    }
    for (uint32_t i = (*task)->index; i < next; i++) {
        ahead->variables_change =
            ahead->variables_change || definition->tasks[i].type == TASK_TYPE_SET_VARIABLE;
    }
    *task = &definition->tasks[next];
    return true;
}

// The script of a task that is not reached yet. False: it has none, or its input is not known.
static bool word(
    struct workflow *workflow,
    const struct definition_task *definition,
    struct context_ahead *ahead,
    struct evaluation *out_evaluation
) {
    const struct task_kind *kind = task_kind_of(definition->type);
    struct context_options options = {.with_template = kind->with_template, .ahead = ahead};
    bytes input = BYTES_EMPTY;
    if (kind->script == NULL) {
        return false;
    }
    ahead->unknown = false;
    // An error is met again, and told, when the flow gets here.
    return !err_is(context_task_input(workflow, definition, &options, &input)) && !ahead->unknown &&
           input.size <= LIMIT_FORESIGHT_BYTES &&
           !err_is(kind->script(workflow->decision, definition, input, out_evaluation)) &&
           out_evaluation->text.data != NULL;
}

// The task will have this output.
static void note(
    const struct definition_task *definition,
    const struct evaluation_result *result,
    struct arena *arena,
    struct context_ahead *ahead
) {
    const struct task_kind *kind = task_kind_of(definition->type);
    if (kind->scripted != NULL && result->outcome == EVALUATION_DONE) {
        ahead->outputs[ahead->output_count++] = (struct context_output
        ){.index = definition->index, .json = kind->scripted(result->json, arena)};
    }
}

// By another branch, which waits too.
static bool is_asked_for(const struct decision *decision, const struct evaluation *evaluation) {
    hash128 key = evaluation_key(evaluation);
    for (size_t i = 0; i < decision->foreseen_count; i++) {
        if (hash128_equal(evaluation_key(&decision->foreseen[i]), key)) {
            return true;
        }
    }
    return false;
}
