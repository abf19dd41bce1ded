// The front door of a simulated node: questions come in, answers go out, connections break.

#include "node/core/event_record.h"
#include "proto/base/hash.h"
#include "tests/simulation/machine_internal.h"

// --- answers -------------------------------------------------------------------------------------

static void tell_delivered(void *argument, uint64_t number);
static void tell_gone(void *argument, uint64_t number);
static void tell_taken(void *argument, uint64_t number);

static void (*teller_of(enum node_event_kind kind))(void *argument, uint64_t number) {
    return kind == NODE_GONE ? tell_gone : kind == NODE_TAKEN ? tell_taken : tell_delivered;
}

// The front door tells what became of a connection; the core ignores one of an earlier life.
static void tell(struct machine *machine, enum node_event_kind kind, uint64_t number) {
    if (!machine->up || machine_sleeps(machine, teller_of(kind), machine, number)) {
        return;
    }
    world_trace(
        machine->world,
        "n%u: %s #%llu",
        machine->plan.number,
        node_event_name(kind),
        (unsigned long long)number
    );
    if (kind == NODE_GONE) {
        machine->last_gone.ms = chronicle_time_ms(machine->plan.chronicle);
    }
    struct node_event event = {.kind = kind, .request_id = number};
    machine_step(machine, &event);
}

static void tell_delivered(void *argument, uint64_t number) {
    tell(argument, NODE_DELIVERED, number);
}

static void tell_gone(void *argument, uint64_t number) {
    tell(argument, NODE_GONE, number);
}

static void tell_taken(void *argument, uint64_t number) {
    tell(argument, NODE_TAKEN, number);
}

// An answer with tasks is told to be delivered or not; a connection may take its time to break.
static void tell_hand_out(struct machine *machine, uint64_t number, bool delivered) {
    struct world *world = machine->world;
    int64_t us =
        world_maybe(world, 700) ? world_draw(world, 0, 500) : world_draw(world, 0, 3000000);
    world_after(world, us * 1000, delivered ? tell_delivered : tell_gone, machine, number);
}

// Most read as fast as they are told, few do other things meanwhile: a round of the operator reads
// some thousand parts.
static void keep_part(struct machine *machine, uint64_t number, const struct answer *part) {
    struct world *world = machine->world;
    bool waits = questions_keep(machine->questions, number, part);
    int64_t us = world_maybe(world, 980) ? world_draw(world, 0, 500) : world_draw(world, 0, 500000);
    world_after(world, us * 1000, waits ? tell_taken : tell_gone, machine, number);
}

void machine_answer(struct machine *machine, const struct node_effect *effect) {
    struct asker asker;
    world_trace(
        machine->world,
        "n%u: answer #%llu %u %zu bytes %08x",
        machine->plan.number,
        (unsigned long long)effect->request_id,
        effect->status,
        effect->body.size,
        hash_crc32c(0, effect->body)
    );
    const struct answer whole = {
        .outcome = OUTCOME_ANSWERED,
        .status = effect->status,
        .body = effect->body,
        .old_definitions = effect->old_definitions,
        .time_ms = chronicle_time_ms(machine->plan.chronicle),
    };
    if (effect->more) {
        keep_part(machine, effect->request_id, &whole);
        return;
    }
    bool waits = questions_take(machine->questions, effect->request_id, &asker);
    if (waits && effect->with_tasks &&
        world_maybe(machine->world, machine->swarm->hand_out_breaks)) {
        const struct answer lost = {.outcome = OUTCOME_LOST, .body = effect->body};
        tell_hand_out(machine, effect->request_id, false);
        asker.answered(asker.argument, &lost);
        return;
    }
    if (effect->with_tasks) {
        // The bytes may have gone out to somebody who no longer reads them.
        bool delivered = waits || world_maybe(machine->world, 300);
        tell_hand_out(machine, effect->request_id, delivered);
    }
    if (!waits) {
        return; // its asker left
    }
    machine->stats.answers++;
    asker.answered(asker.argument, &whole);
}

void machine_part(struct machine *machine, const struct node_effect *effect) {
    struct asker asker;
    uint64_t number = effect->request_id;
    world_trace(
        machine->world,
        "n%u: part #%llu %s %zu bytes %08x",
        machine->plan.number,
        (unsigned long long)number,
        effect->broken ? "broken"
        : effect->more ? "more"
                       : "last",
        effect->body.size,
        hash_crc32c(0, effect->body)
    );
    if (effect->more) {
        keep_part(machine, number, &(struct answer){.body = effect->body});
        return;
    }
    struct answer answer = questions_kept(machine->questions, number, effect->body);
    if (effect->broken) {
        answer = (struct answer){.outcome = OUTCOME_LOST};
    }
    if (questions_take(machine->questions, number, &asker)) {
        machine->stats.answers++;
        asker.answered(asker.argument, &answer);
    }
}

void machine_lose_askers(struct machine *machine) {
    uint64_t number = 0;
    struct asker asker;
    const struct answer lost = {.outcome = OUTCOME_LOST};
    while (questions_take_arrived(machine->questions, &number, &asker)) {
        world_trace(
            machine->world, "n%u: lost #%llu", machine->plan.number, (unsigned long long)number
        );
        asker.answered(asker.argument, &lost);
    }
}

bool answer_is_unknown(const struct answer *answer) {
    static const char unknown[] = "may or may not have been done";
    bytes text = bytes_from_text(unknown);
    for (size_t at = 0; at + text.size <= answer->body.size && answer->status == 503; at++) {
        if (bytes_starts_with(bytes_slice(answer->body, at, answer->body.size), text)) {
            return true;
        }
    }
    return answer->outcome == OUTCOME_LOST;
}

// --- questions -----------------------------------------------------------------------------------

static void arrive(void *argument, uint64_t number) {
    struct machine *machine = argument;
    if (machine_sleeps(machine, arrive, argument, number)) {
        return;
    }
    const char *line = questions_line(machine->questions, number);
    struct asker asker;
    if (!machine->up) {
        if (questions_take(machine->questions, number, &asker)) {
            const struct answer refused = {.outcome = OUTCOME_REFUSED};
            asker.answered(asker.argument, &refused);
        }
        return;
    }
    const struct node_request *request = questions_arrive(machine->questions, number);
    if (request == NULL) {
        return;
    }
    world_trace(
        machine->world, "n%u: ask #%llu %s", machine->plan.number, (unsigned long long)number, line
    );
    machine->stats.questions++;
    struct node_event event = {
        .kind = NODE_REQUEST,
        .request_id = number,
        .request = request,
    };
    machine_step(machine, &event);
}

uint64_t machine_ask(
    struct machine *machine,
    const struct question *question,
    machine_answered answered,
    void *argument
) {
    uint64_t number = questions_add(machine->questions, question, answered, argument);
    int64_t us = world_draw(machine->world, 20, 1500);
    world_after(machine->world, us * 1000, arrive, machine, number);
    return number;
}

void machine_leave(struct machine *machine, uint64_t number) {
    struct asker asker;
    if (questions_take(machine->questions, number, &asker)) {
        world_after(
            machine->world,
            world_draw(machine->world, 20, 500) * 1000 + 1500 * 1000,
            tell_gone,
            machine,
            number
        );
    }
}
