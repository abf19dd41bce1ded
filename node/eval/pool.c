// What is drawn in pool.h as prose:
//
//   waiting ──▶ slow queue, when its text was slow not long ago (suspects.h); ahead: given up
//   waiting ──▶ FAST process (pipeline) ──answer──▶ callback
//      ▲            │ its head runs over a slice (ahead: killed and given up)
//      │            ├── a slow place is free: the process is SLOW now, those behind go back
//      │            └── none is free: killed; head ──▶ slow queue, those behind go back
//      └────────────┘
//   slow queue ──▶ SLOW process (one request, then it ends) ──answer or deadline──▶ callback
//
// Those that go back were never begun; the process they were written to ends without answering
// them. Callbacks are called from the loop only (readable, tick), so that submit never reenters its
// caller.
#include "node/eval/pool.h"

#include "node/eval/frame/frame.h"
#include "node/eval/process.h"
#include "node/eval/request_list.h"
#include "node/eval/suspects.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    PROCESSES_MAX = 32,
    PROCESSES_USUAL = 2,
    TICK_MS = 20,
    READ_BYTES = 64 * 1024,
    // Starts that fail in a row before waiting requests are told.
    FAILED_STARTS_MAX = 3,
};

enum process_state {
    PROCESS_NONE, // the place is free
    PROCESS_FAST,
    PROCESS_SLOW,
};

struct process {
    struct lane *lane;
    enum process_state state;
    pid_t pid;
    struct process_pipes pipes;
    struct event *readable;
    struct event *writable;
    struct buffer in;
    struct buffer out;
    struct request_list sent; // unanswered, in order; the first one runs
    int64_t head_since_ms;    // when the first of them began to run; until ready: the start
    bool ready;               // it said that it stands
};

// One language.
struct lane {
    struct evaluator_pool *pool;
    enum evaluation_language language;
    struct request_list waiting;
    struct request_list slow;
    struct request_list dropped; // asked ahead and suspected by now; answered from the loop
    struct suspects suspects;
    struct process processes[PROCESSES_MAX];
    struct process *newest; // FAST, the one that a request was sent to last; NULL: it is not so now
    uint32_t failed_starts; // in a row
    int64_t start_after_ms;
};

struct evaluator_pool {
    struct event_base *base;
    struct evaluator_pool_options options;
    struct lane lanes[EVALUATION_LANGUAGE_COUNT];
    struct event *tick;
    uint64_t last_serial;
    uint64_t held_bytes; // of all requests
    pid_t dead[4 * PROCESSES_MAX];
    uint32_t dead_count;
    struct evaluator_pool_stats stats;
};

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- requests
// -------------------------------------------------------------------------------------

static void request_free(struct evaluator_pool *pool, struct request *request) {
    pool->held_bytes -= request->frame.size;
    buffer_deinit(&request->frame);
    free(request);
}

static void list_free(struct evaluator_pool *pool, struct request_list *list) {
    for (struct request *request = request_list_take(list); request != NULL;
         request = request_list_take(list)) {
        request_free(pool, request);
    }
}

// Calls back and frees the request.
static void finish(
    struct evaluator_pool *pool, struct request *request, const struct evaluation_result *result
) {
    uint64_t *counters[] = {
        [EVALUATION_DONE] = &pool->stats.done,
        [EVALUATION_FAILED] = &pool->stats.failed,
        [EVALUATION_TIMED_OUT] = &pool->stats.timed_out,
        [EVALUATION_UNAVAILABLE] = &pool->stats.unavailable,
    };
    (*counters[result->outcome])++;
    evaluator_pool_callback *callback = request->callback;
    void *argument = request->argument;
    uint64_t request_id = request->request_id;
    request_free(pool, request);
    callback(argument, request_id, result);
}

static void finish_with_error(
    struct evaluator_pool *pool,
    struct request *request,
    enum evaluation_outcome outcome,
    const char *text
) {
    struct evaluation_result result = {.outcome = outcome, .error = bytes_from_text(text)};
    finish(pool, request, &result);
}

// --- processes -----------------------------------------------------------------------------------

static void at_readable(evutil_socket_t pipe, short what, void *argument);
static void at_writable(evutil_socket_t pipe, short what, void *argument);
static void lane_dispatch(struct lane *lane);

static uint32_t lane_count(const struct lane *lane, enum process_state state) {
    uint32_t count = 0;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        count += lane->processes[i].state == state;
    }
    return count;
}

static struct process *process_open(struct lane *lane, enum process_state state) {
    struct evaluator_pool *pool = lane->pool;
    struct process *process = NULL;
    for (size_t i = 0; i < PROCESSES_MAX && process == NULL; i++) {
        process = lane->processes[i].state == PROCESS_NONE ? &lane->processes[i] : NULL;
    }
    if (process == NULL || now_ms() < lane->start_after_ms) {
        return NULL;
    }
    pid_t pid = -1;
    struct process_pipes pipes;
    if (err_is(process_start(pool->options.program, lane->language, &pid, &pipes))) {
        lane->failed_starts++;
        lane->start_after_ms = now_ms() + LIMIT_EVALUATION_RESPAWN_MS;
        return NULL;
    }
    *process = (struct process
    ){.lane = lane, .state = state, .pid = pid, .pipes = pipes, .head_since_ms = now_ms()};
    process->readable =
        event_new(pool->base, pipes.answers, EV_READ | EV_PERSIST, at_readable, process);
    process->writable = event_new(pool->base, pipes.requests, EV_WRITE, at_writable, process);
    check(process->readable != NULL && process->writable != NULL);
    check(event_add(process->readable, NULL) == 0);
    buffer_init(&process->in, LIMIT_EVALUATION_FRAME_BYTES + READ_BYTES);
    buffer_init(&process->out, SIZE_MAX);
    pool->stats.started++;
    return process;
}

static void reap(struct evaluator_pool *pool) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pool->dead_count; i++) {
        if (!process_reap(pool->dead[i])) {
            pool->dead[kept++] = pool->dead[i];
        }
    }
    pool->dead_count = kept;
}

static void process_is_not_newest(struct process *process) {
    struct lane *lane = process->lane;
    lane->newest = lane->newest == process ? NULL : lane->newest;
}

// Ends a process; what it was sent is the caller's to have moved.
static void process_close(struct process *process) {
    struct evaluator_pool *pool = process->lane->pool;
    check(process->sent.count == 0);
    process_is_not_newest(process);
    process_kill(process->pid);
    event_free(process->readable);
    event_free(process->writable);
    process_pipes_close(&process->pipes);
    buffer_deinit(&process->in);
    buffer_deinit(&process->out);
    if (pool->dead_count == sizeof(pool->dead) / sizeof(pool->dead[0])) {
        process_await(pool->dead[--pool->dead_count]);
    }
    pool->dead[pool->dead_count++] = process->pid;
    *process = (struct process){.state = PROCESS_NONE};
}

// Takes the request that runs, and gives those behind it back to the lane.
static struct request *process_empty(struct process *process) {
    struct request *head = request_list_take(&process->sent);
    process->lane->pool->stats.running -= process->sent.count + (head != NULL);
    request_list_prepend(&process->lane->waiting, &process->sent);
    return head;
}

// The process ended by itself, or makes no sense.
static void process_died(struct process *process) {
    struct lane *lane = process->lane;
    struct evaluator_pool *pool = lane->pool;
    bool worked = process->ready;
    pool->stats.died++;
    struct request *head = process_empty(process);
    process_close(process);
    if (!worked) {
        // Perhaps it cannot start at all: no hurry then.
        lane->failed_starts++;
        lane->start_after_ms = now_ms() + TICK_MS;
    }
    if (head == NULL) {
        return;
    }
    if (head->deaths++ < LIMIT_EVALUATION_RETRIES) {
        pool->stats.retried++;
        struct request_list one = {.first = head, .last = head, .count = 1};
        head->next = NULL;
        request_list_prepend(&lane->waiting, &one);
        return;
    }
    finish_with_error(
        pool,
        head,
        EVALUATION_FAILED,
        "The script needs more memory than it may use, or broke its evaluator"
    );
}

static void process_write(struct process *process) {
    while (process->out.size > 0) {
        ssize_t sent = write(process->pipes.requests, process->out.data, process->out.size);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            // A broken pipe shows when its answers are read; that is where it is dealt with.
            if (errno == EAGAIN) {
                (void)event_add(process->writable, NULL);
            }
            return;
        }
        buffer_consume(&process->out, (size_t)sent);
    }
}

static void process_send(struct process *process, struct request *request) {
    if (process->sent.count == 0 && process->ready) {
        process->head_since_ms = now_ms();
    }
    buffer_append(&process->out, buffer_bytes(&request->frame));
    request_list_append(&process->sent, request);
    process->lane->pool->stats.running++;
    process_write(process);
}

static void at_writable(evutil_socket_t pipe, short what, void *argument) {
    (void)pipe;
    (void)what;
    process_write(argument);
}

// --- dispatch ------------------------------------------------------------------------------------

// The process with the fewest requests, one more when all are busy and there may be more. NULL:
// none takes any. What is asked ahead stands behind what it was asked with: its asker waits for
// both, and waking a second process costs as much as a short script.
static struct process *lane_pick(struct lane *lane, const struct request *request) {
    struct process *best = lane->newest;
    if (request->ahead && best != NULL && best->sent.count < LIMIT_EVALUATION_PIPELINE) {
        return best;
    }
    best = NULL;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &lane->processes[i];
        if (process->state == PROCESS_FAST &&
            (best == NULL || process->sent.count < best->sent.count)) {
            best = process;
        }
    }
    if (best != NULL && best->sent.count == 0) {
        return best;
    }
    if (lane_count(lane, PROCESS_FAST) < lane->pool->options.processes) {
        struct process *opened = process_open(lane, PROCESS_FAST);
        best = opened != NULL ? opened : best;
    }
    return best != NULL && best->sent.count < LIMIT_EVALUATION_PIPELINE ? best : NULL;
}

// The request that waits longest and is not suspected; those before it wait for a slow place now.
static bool lane_has_ordinary(struct lane *lane) {
    while (lane->waiting.count > 0 &&
           suspects_has(&lane->suspects, lane->waiting.first->program, now_ms())) {
        struct request *request = request_list_take(&lane->waiting);
        request_list_append(request->ahead ? &lane->dropped : &lane->slow, request);
    }
    return lane->waiting.count > 0;
}

static void lane_dispatch(struct lane *lane) {
    while (lane_has_ordinary(lane)) {
        struct process *process = lane_pick(lane, lane->waiting.first);
        if (process == NULL) {
            break;
        }
        process_send(process, request_list_take(&lane->waiting));
        lane->newest = process;
    }
    while (lane->slow.count > 0 &&
           lane_count(lane, PROCESS_SLOW) < lane->pool->options.slow_processes) {
        struct process *process = process_open(lane, PROCESS_SLOW);
        if (process == NULL) {
            break;
        }
        process_yield(process->pid);
        process_send(process, request_list_take(&lane->slow));
    }
}

// The head of a process has used up its slice.
static void process_over_slice(struct process *process) {
    struct lane *lane = process->lane;
    lane->pool->stats.slow++;
    suspects_add(
        &lane->suspects, process->sent.first->program, now_ms() + LIMIT_EVALUATION_SUSPECT_MS
    );
    if (process->sent.first->ahead) {
        request_list_append(&lane->dropped, process_empty(process));
        process_close(process);
        return;
    }
    if (lane_count(lane, PROCESS_SLOW) < lane->pool->options.slow_processes) {
        struct request *head = process_empty(process);
        request_list_append(&process->sent, head);
        lane->pool->stats.running++;
        process->state = PROCESS_SLOW;
        process_is_not_newest(process);
        process_yield(process->pid);
        return;
    }
    lane->pool->stats.retried++;
    request_list_append(&lane->slow, process_empty(process));
    process_close(process);
}

static void process_over_deadline(struct process *process) {
    struct evaluator_pool *pool = process->lane->pool;
    struct request *head = process_empty(process);
    process_close(process);
    finish_with_error(
        pool, head, EVALUATION_TIMED_OUT, "Script not evaluated within 4 seconds, interrupted."
    );
}

static void lane_look_at_times(struct lane *lane) {
    const struct evaluator_pool_options *options = &lane->pool->options;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &lane->processes[i];
        if (process->state == PROCESS_NONE || process->sent.count == 0) {
            continue;
        }
        int64_t age = now_ms() - process->head_since_ms;
        if (!process->ready) {
            if (age >= LIMIT_EVALUATION_START_MS) {
                process_died(process);
            }
        } else if (age >= (int64_t)options->deadline_ms + LIMIT_EVALUATION_GRACE_MS) {
            process_over_deadline(process);
        } else if (process->state == PROCESS_FAST && age >= options->slice_ms) {
            process_over_slice(process);
        }
    }
}

// When no process can be started, nobody waits for ever.
static void lane_give_up(struct lane *lane) {
    if (lane->failed_starts < FAILED_STARTS_MAX) {
        return;
    }
    lane->failed_starts = 0;
    struct request_list hopeless = lane->waiting;
    lane->waiting = (struct request_list){0};
    request_list_prepend(&hopeless, &lane->slow);
    for (struct request *request = request_list_take(&hopeless); request != NULL;
         request = request_list_take(&hopeless)) {
        finish_with_error(
            lane->pool, request, EVALUATION_UNAVAILABLE, "No evaluator of scripts can be started"
        );
    }
}

// What was asked ahead and is given up. From the loop.
static void lane_drop(struct lane *lane) {
    for (struct request *request = request_list_take(&lane->dropped); request != NULL;
         request = request_list_take(&lane->dropped)) {
        lane->pool->stats.dropped++;
        finish_with_error(lane->pool, request, EVALUATION_TIMED_OUT, "");
    }
}

// The tick runs while anything is under way.
static void pool_watch(struct evaluator_pool *pool) {
    bool busy = pool->dead_count > 0;
    for (size_t i = 0; i < EVALUATION_LANGUAGE_COUNT; i++) {
        const struct lane *lane = &pool->lanes[i];
        busy = busy || lane->waiting.count + lane->slow.count + lane->dropped.count > 0;
    }
    if ((busy || pool->stats.running > 0) && !event_pending(pool->tick, EV_TIMEOUT, NULL)) {
        const struct timeval in = {.tv_sec = 0, .tv_usec = (suseconds_t)TICK_MS * 1000};
        (void)event_add(pool->tick, &in);
    }
}

static void at_tick(evutil_socket_t none, short what, void *argument) {
    (void)none;
    (void)what;
    struct evaluator_pool *pool = argument;
    reap(pool);
    for (size_t i = 0; i < EVALUATION_LANGUAGE_COUNT; i++) {
        lane_look_at_times(&pool->lanes[i]);
        lane_dispatch(&pool->lanes[i]);
        lane_give_up(&pool->lanes[i]);
        lane_drop(&pool->lanes[i]);
    }
    pool_watch(pool);
}

// --- answers -------------------------------------------------------------------------------------

// One answer; false: it is not the one that runs. The first is serial 0: the process stands, and
// the clock of what it was sent meanwhile begins.
static bool process_take_answer(struct process *process, const struct frame_answer *answer) {
    struct lane *lane = process->lane;
    if (!process->ready) {
        process->ready = true;
        process->head_since_ms = now_ms();
        lane->failed_starts = 0;
        return answer->serial == 0;
    }
    if (process->sent.count == 0 || process->sent.first->serial != answer->serial) {
        return false;
    }
    struct request *request = request_list_take(&process->sent);
    if (process->state == PROCESS_SLOW &&
        now_ms() - process->head_since_ms < (int64_t)lane->pool->options.slice_ms) {
        suspects_remove(&lane->suspects, request->program);
    }
    lane->pool->stats.running--;
    process->head_since_ms = now_ms();
    finish(lane->pool, request, &answer->result);
    return true;
}

static void process_take_answers(struct process *process) {
    size_t used = 0;
    bool sound = true;
    bool was_slow = process->state == PROCESS_SLOW;
    while (sound && (!was_slow || process->sent.count > 0)) {
        struct frame_answer answer;
        size_t size = 0;
        bytes rest = bytes_slice(buffer_bytes(&process->in), used, process->in.size);
        sound = !err_is(frame_take_answer(rest, &answer, &size));
        if (!sound || size == 0) {
            break;
        }
        sound = process_take_answer(process, &answer);
        used += size;
    }
    buffer_consume(&process->in, used);
    if (!sound) {
        process_died(process);
    } else if (was_slow && process->sent.count == 0) {
        process_close(process);
    }
}

static void at_readable(evutil_socket_t pipe, short what, void *argument) {
    (void)what;
    struct process *process = argument;
    struct lane *lane = process->lane;
    uint8_t chunk[READ_BYTES];
    ssize_t got = read(pipe, chunk, sizeof(chunk));
    if (got > 0) {
        buffer_append(&process->in, bytes_of(chunk, (size_t)got));
        if (err_is(buffer_status(&process->in))) {
            process_died(process);
        } else {
            process_take_answers(process);
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        process_died(process);
    }
    lane_dispatch(lane);
    pool_watch(lane->pool);
}

// --- the pool ------------------------------------------------------------------------------------

static void or_default(uint32_t *value, uint32_t usual) {
    *value = *value == 0 ? usual : *value;
}

struct evaluator_pool *
evaluator_pool_create(struct event_base *base, const struct evaluator_pool_options *options) {
    struct evaluator_pool *pool = calloc(1, sizeof(*pool));
    check(pool != NULL);
    pool->base = base;
    pool->options = *options;
    or_default(&pool->options.processes, PROCESSES_USUAL);
    or_default(&pool->options.slow_processes, LIMIT_EVALUATION_SLOW_PROCESSES);
    or_default(&pool->options.waiting_max, LIMIT_EVALUATION_WAITING);
    or_default(&pool->options.deadline_ms, LIMIT_EVALUATION_DEADLINE_MS);
    or_default(&pool->options.slice_ms, LIMIT_EVALUATION_SLICE_MS);
    check(pool->options.processes + pool->options.slow_processes <= PROCESSES_MAX);
    pool->tick = evtimer_new(base, at_tick, pool);
    check(pool->tick != NULL);
    for (size_t i = 0; i < EVALUATION_LANGUAGE_COUNT; i++) {
        pool->lanes[i].pool = pool;
        pool->lanes[i].language = (enum evaluation_language)i;
    }
    return pool;
}

void evaluator_pool_destroy(struct evaluator_pool **pool) {
    if (*pool == NULL) {
        return;
    }
    for (size_t i = 0; i < EVALUATION_LANGUAGE_COUNT; i++) {
        struct lane *lane = &(*pool)->lanes[i];
        for (size_t j = 0; j < PROCESSES_MAX; j++) {
            if (lane->processes[j].state != PROCESS_NONE) {
                list_free(*pool, &lane->processes[j].sent);
                process_close(&lane->processes[j]);
            }
        }
        list_free(*pool, &lane->waiting);
        list_free(*pool, &lane->slow);
        list_free(*pool, &lane->dropped);
    }
    for (uint32_t i = 0; i < (*pool)->dead_count; i++) {
        process_await((*pool)->dead[i]);
    }
    event_free((*pool)->tick);
    free(*pool);
    *pool = NULL;
}

err evaluator_pool_submit(
    struct evaluator_pool *pool,
    uint64_t request_id,
    const struct evaluation *evaluation,
    evaluator_pool_callback *callback,
    void *argument
) {
    struct evaluator_pool_stats now = evaluator_pool_stats(pool);
    struct lane *lane = &pool->lanes[evaluation->language];
    uint64_t program = hash_sip64(evaluation->text);
    if (evaluation->ahead && suspects_has(&lane->suspects, program, now_ms())) {
        pool->stats.dropped++;
        return err_make(ERR_FULL, "a script that was slow is not evaluated ahead");
    }
    if (now.waiting + now.running >= pool->options.waiting_max ||
        pool->held_bytes > LIMIT_EVALUATION_WAITING_BYTES) {
        pool->stats.refused++;
        return err_make(ERR_FULL, "too many scripts wait to be evaluated");
    }
    struct request *request = calloc(1, sizeof(*request));
    check(request != NULL);
    *request = (struct request){
        .serial = ++pool->last_serial,
        .request_id = request_id,
        .callback = callback,
        .argument = argument,
        .program = program,
        .ahead = evaluation->ahead,
    };
    buffer_init(&request->frame, LIMIT_EVALUATION_FRAME_BYTES + 64);
    struct frame_request frame = {
        .serial = request->serial,
        .deadline_ms = pool->options.deadline_ms,
        .evaluation = *evaluation,
    };
    frame_put_request(&request->frame, &frame);
    if (err_is(buffer_status(&request->frame))) {
        buffer_deinit(&request->frame);
        free(request);
        return err_make(ERR_TOO_LARGE, "a script and its input are larger than 24 MiB");
    }
    pool->held_bytes += request->frame.size;
    pool->stats.submitted++;
    request_list_append(&lane->waiting, request);
    lane_dispatch(lane);
    pool_watch(pool);
    return ERR_NONE;
}

struct evaluator_pool_stats evaluator_pool_stats(const struct evaluator_pool *pool) {
    struct evaluator_pool_stats stats = pool->stats;
    stats.waiting = 0;
    stats.processes = 0;
    for (size_t i = 0; i < EVALUATION_LANGUAGE_COUNT; i++) {
        const struct lane *lane = &pool->lanes[i];
        stats.waiting += lane->waiting.count + lane->slow.count + lane->dropped.count;
        stats.processes += lane_count(lane, PROCESS_FAST) + lane_count(lane, PROCESS_SLOW);
    }
    return stats;
}
