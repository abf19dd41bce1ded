// Decisions that wait for evaluations or for large bodies to be staged, and run again.
//
// A suspended decision leaves nothing behind but what it takes to run it again exactly: the request
// or alarm, the clock and random numbers it began with, and the results it has by now. It is run
// from its start on the rows of that moment, so commands that came in between are simply earlier
// commands; no workflow is ever locked. It keeps the time it began with, or scripts that read the
// time would be asked for again at each run; only when its rows are of a later moment (a task was
// handed out meanwhile) it moves on to that one. One that waited for bodies alone is of the moment
// in which it runs last. A state that keeps changing under it would make it ask for ever:
// LIMIT_JOB_RUNS bounds that, and the client hears 503.
//
// It waits for all that was asked, what was foreseen (scheduler/foresight.h) too, because most of
// it comes within microseconds and a run without it would be one for nothing. What was asked ahead
// and takes longer than a slice comes back without a result; the decision asks again if it gets
// there.
//
// Rejected: keeping the half-made decision in memory. It would hold pointers into an overlay that
// moves on, and every other command of the workflow would have to queue behind it.
#include "node/core/carry.h"
#include "node/core/look.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

enum job_kind {
    JOB_REQUEST,
    JOB_ALARM,
    JOB_MESSAGE,
};

struct asked {
    hash128 key;
    bool ahead;
};

struct job {
    uint64_t id;
    enum job_kind kind;
    uint64_t request_id;
    struct node_request request; // views into `copies`
    struct arena *copies;
    struct alarm alarm;
    struct stream_position position;
    bytes message;        // in `copies`
    struct random random; // as it was when the decision began
    wall_time time;
    wall_time now; // of the decision, fixed by its first run
    struct asked *asked;
    hash128 *keys; // as asked; zero: it was ahead and came to nothing
    struct evaluation_result *results;
    size_t count;
    size_t answered;
    struct looks looks; // what it asked of other nodes
    bool looked;        // and they answered: it may go on
    size_t stages;      // bodies that are being staged for it
    uint32_t staged;    // how often it waited for some
    uint32_t runs;
    bool unavailable; // an evaluation was not run for a reason outside the script
    bool later;       // its execution went on meanwhile: it is run again as of a later moment
    struct job *previous;
    struct job *next;
};

// --- memory
// ----------------------------------------------------------------------------------------------

static struct job *job_create(struct node *node) {
    struct job *job = calloc(1, sizeof(*job));
    check(job != NULL);
    job->id = ++node->job_id;
    job->copies = arena_create(LIMIT_JOB_ARENA_BYTES);
    // The job draws the same numbers again and then more: they are its own from here on, or two
    // tasks would get one id.
    job->random = node->random_begun;
    random_init(&node->random, random_u64(&node->random));
    job->time = node->time;
    job->looks = (struct looks){.owner = LOOK_OF_JOB, .owner_id = job->id};
    job->next = node->jobs;
    if (job->next != NULL) {
        job->next->previous = job;
    }
    node->jobs = job;
    node->job_count++;
    table_put(&node->job_table, job->id, job);
    return job;
}

static uint64_t pair_of(const struct stream_position *position) {
    return UINT64_C(1) << 32 | (uint64_t)position->source << 16 | position->destination;
}

bool job_has_message(const struct node *node, const struct stream_position *position) {
    return table_get(&node->job_messages, pair_of(position)) != NULL;
}

static void job_destroy(struct node *node, struct job *job) {
    if (job->previous != NULL) {
        job->previous->next = job->next;
    } else {
        node->jobs = job->next;
    }
    if (job->next != NULL) {
        job->next->previous = job->previous;
    }
    node->job_count--;
    (void)table_take(&node->job_table, job->id);
    if (job->kind == JOB_MESSAGE) {
        (void)table_take(&node->job_messages, pair_of(&job->position));
    }
    looks_forget(node, &job->looks);
    arena_destroy(&job->copies);
    free(job->asked);
    free(job->keys);
    free(job->results);
    free(job);
}

void job_all_destroy(struct node *node) {
    while (node->jobs != NULL) {
        job_destroy(node, node->jobs);
    }
}

// --- asking
// ------------------------------------------------------------------------------------------------

static void ask(struct node *node, struct job *job, const struct evaluation *evaluation) {
    size_t index = job->count++;
    job->keys = realloc(job->keys, job->count * sizeof(*job->keys));
    job->results = realloc(job->results, job->count * sizeof(*job->results));
    job->asked = realloc(job->asked, job->count * sizeof(*job->asked));
    check(job->keys != NULL && job->results != NULL && job->asked != NULL);
    job->keys[index] = evaluation_key(evaluation);
    job->asked[index] = (struct asked){job->keys[index], evaluation->ahead};
    job->results[index] = (struct evaluation_result){.outcome = EVALUATION_UNAVAILABLE};
    size_t size = evaluation->text.size + evaluation->input.size;
    uint8_t *copy = malloc(size + 1);
    check(copy != NULL);
    if (evaluation->text.size > 0) {
        memcpy(copy, evaluation->text.data, evaluation->text.size);
    }
    memcpy(copy + evaluation->text.size, evaluation->input.data, evaluation->input.size);
    struct node_effect effect = {
        .kind = EFFECT_EVALUATE,
        .job_id = job->id,
        .evaluation_index = (uint32_t)index,
        .evaluation =
            {
                .language = evaluation->language,
                .kind = evaluation->kind,
                .text = bytes_of(copy, evaluation->text.size),
                .input = bytes_of(copy + evaluation->text.size, evaluation->input.size),
                .ahead = evaluation->ahead,
            },
        .body = bytes_of(copy, size),
    };
    node_effects_add(node->effects, &effect);
    node->stats.evaluations++;
}

// What was asked ahead and came to nothing counts as asked ahead only.
static bool was_asked(const struct job *job, const struct evaluation *evaluation) {
    hash128 key = evaluation_key(evaluation);
    for (size_t i = 0; i < job->count; i++) {
        if (hash128_equal(evaluation->ahead ? job->asked[i].key : job->keys[i], key)) {
            return true;
        }
    }
    return false;
}

// Takes the decision's wishes over and forgets it. False: it may not be run again.
static bool suspend(struct node *node, struct job *job, struct decision *decision) {
    job->later = job->runs > 0 && decision->now.ms > job->now.ms;
    job->now = decision->now;
    job->runs++;
    for (size_t i = 0; i < decision->wanted_count; i++) {
        if (!was_asked(job, &decision->wanted[i])) {
            ask(node, job, &decision->wanted[i]);
        }
    }
    for (size_t i = 0; i < decision->foreseen_count; i++) {
        if (!was_asked(job, &decision->foreseen[i])) {
            ask(node, job, &decision->foreseen[i]);
        }
    }
    size_t stages = stages_begin(node, decision, job->id);
    job->stages += stages;
    job->staged += stages > 0;
    (void)node_decision_abort(node, decision);
    bool waits = job->answered < job->count || job->stages > 0;
    return (waits || job->later) && job->runs <= LIMIT_JOB_RUNS;
}

static const char BUSY[] = "too many decisions wait for scripts";
static const char CROWDED[] = "too many large bodies wait to be written; try again";
static const char RESTLESS[] = "the workflow changed too often while its scripts ran";

// The request's job, made if there is none. NULL: too many.
static struct job *job_of(struct node *node, const struct request *request) {
    if (node->job != NULL) {
        return node->job;
    }
    if (node->job_count >= LIMIT_JOBS) {
        return NULL;
    }
    struct job *job = job_create(node);
    job->kind = JOB_REQUEST;
    job->request_id = request->id;
    job->request = request_copy(job->copies, request->http);
    return job;
}

void job_suspend_request(
    struct node *node, const struct request *request, struct decision *decision
) {
    bool has_room = stages_have_room(node, decision);
    struct job *job = has_room ? job_of(node, request) : NULL;
    if (job == NULL) {
        struct gate gate = node_decision_abort(node, decision);
        err refusal = err_make(ERR_UNAVAILABLE, has_room ? BUSY : CROWDED);
        node_answer_error(node, request->id, refusal, gate);
        return;
    }
    if (!suspend(node, job, decision)) {
        node_answer_error(node, request->id, err_make(ERR_UNAVAILABLE, RESTLESS), GATE_OPEN);
        node->job_done = true;
        return;
    }
    node->job_done = false;
}

// At once would ask at once again: whatever was in the way gets time to go.
static void defer(struct node *node, const struct alarm *alarm) {
    struct deferred deferred = {
        .at = {node->mono.ns + (int64_t)LIMIT_DEFER_MS * 1000000},
        .alarm = *alarm,
    };
    heap_push(&node->deferred, &deferred);
}

void job_suspend_alarm(struct node *node, const struct alarm *alarm, struct decision *decision) {
    struct job *job = node->job;
    if (!stages_have_room(node, decision)) {
        (void)node_decision_abort(node, decision);
        defer(node, alarm);
        return;
    }
    if (job == NULL) {
        job = job_create(node);
        job->kind = JOB_ALARM;
        job->alarm = *alarm;
    }
    if (!suspend(node, job, decision)) {
        job->runs = 0; // an alarm has nobody to tell: it starts over
    }
    node->job_done = false;
}

bool job_suspend_message(
    struct node *node,
    const struct stream_position *position,
    bytes message,
    struct decision *decision
) {
    struct job *job = node->job;
    if (!stages_have_room(node, decision)) {
        (void)node_decision_abort(node, decision);
        return false;
    }
    if (job == NULL) {
        job = job_create(node);
        job->kind = JOB_MESSAGE;
        job->position = *position;
        job->message = arena_copy(job->copies, message);
        table_put(&node->job_messages, pair_of(position), job);
    }
    if (!suspend(node, job, decision)) {
        job->runs = 0;
    }
    node->job_done = false;
    return true;
}

struct looks *job_looks(struct node *node, const struct request *request) {
    struct job *job = job_of(node, request);
    return job == NULL ? NULL : &job->looks;
}

void job_stays(struct node *node) {
    node->job_done = false;
}

// --- going on
// ----------------------------------------------------------------------------------------------

static void handle(struct node *node, const struct job *job) {
    switch (job->kind) {
    case JOB_REQUEST:
        node_request(node, job->request_id, &job->request);
        break;
    case JOB_ALARM:
        if (!alarm_fire(node, &job->alarm)) {
            node->more_to_do = true;
        }
        break;
    case JOB_MESSAGE:
        carry_again(node, &job->position, job->message);
        break;
    }
}

static bool is_complete(const struct job *job) {
    return job->answered == job->count && job->looks.unanswered == 0 && job->stages == 0;
}

// What only waited for its bodies is of the moment in which it is made; unless a body has the time
// in it, which shows by its being wanted again.
static bool keeps_time(const struct job *job) {
    return job->count > 0 || job->staged > 1;
}

static void job_run(struct node *node, struct job *job) {
    if (job->unavailable && job->kind == JOB_REQUEST) {
        node_answer_error(node, job->request_id, err_make(ERR_UNAVAILABLE, BUSY), GATE_OPEN);
        job_destroy(node, job);
        return;
    }
    if (job->unavailable) {
        defer(node, &job->alarm);
        job_destroy(node, job);
        return;
    }
    struct random random = node->random;
    wall_time time = node->time;
    node->time = keeps_time(job) ? job->time : time;
    node->job = job;
    do {
        node->random = job->random;
        node->job_done = true;
        job->later = false;
        handle(node, job);
    } while (!node->job_done && job->later && is_complete(job));
    node->job = NULL;
    node->random = random;
    node->time = time;
    if (node->job_done) {
        job_destroy(node, job);
    }
}

void job_looked(struct node *node, uint64_t job_id) {
    struct job *job = table_get(&node->job_table, job_id);
    if (job != NULL && is_complete(job)) {
        job->looked = true;
        node->jobs_looked = true;
    }
}

void job_staged(struct node *node, uint64_t job_id) {
    struct job *job = table_get(&node->job_table, job_id);
    if (job != NULL) {
        job->stages--;
        job_looked(node, job_id);
    }
}

bool job_is_running(const struct node *node) {
    return node->job != NULL;
}

bool job_has_staged(const struct node *node) {
    return node->job != NULL && node->job->staged > 0;
}

// Not where the answer came in: running one may begin and end calls to other nodes.
void job_pump(struct node *node) {
    while (node->jobs_looked) {
        node->jobs_looked = false;
        struct job *next = NULL;
        for (struct job *job = node->jobs; job != NULL; job = next) {
            next = job->next;
            if (job->looked) {
                job->looked = false;
                job_run(node, job);
                arena_reset(node->arena);
            }
        }
    }
}

void job_evaluated(
    struct node *node, uint64_t job_id, uint32_t index, const struct evaluation_result *result
) {
    struct job *job = table_get(&node->job_table, job_id);
    if (job == NULL) {
        return;
    }
    check(index < job->count);
    job->results[index] = (struct evaluation_result){
        .outcome = result->outcome,
        .json = arena_copy(job->copies, result->json),
        .error = arena_copy(job->copies, result->error),
    };
    bool unavailable = result->outcome == EVALUATION_UNAVAILABLE;
    if (job->asked[index].ahead && (unavailable || result->outcome == EVALUATION_TIMED_OUT)) {
        job->keys[index] = (hash128){0};
    } else {
        job->unavailable = job->unavailable || unavailable;
    }
    job->answered++;
    if (is_complete(job)) {
        job_run(node, job);
    }
}

struct decision_results job_results(const struct node *node) {
    const struct job *job = node->job;
    if (job == NULL) {
        return (struct decision_results){.allowed = true};
    }
    return (struct decision_results){
        .keys = job->keys,
        .results = job->results,
        .count = job->count,
        .allowed = true,
    };
}

bool job_now(const struct node *node, wall_time *out_now) {
    if (node->job == NULL || node->job->now.ms == 0 || !keeps_time(node->job)) {
        return false; // one that only looked so far has no decision yet
    }
    *out_now = node->job->now;
    return true;
}
