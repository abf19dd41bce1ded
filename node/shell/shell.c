// The loop. A turn: the callbacks of whatever happened step the core; then the open log batch goes
// to the log thread if that is idle, a due checkpoint to its own, and what the gates let out is
// carried out. While one batch syncs, the next gathers: coalescing by draining, never by a timer.
// In a long turn the log is looked after every LIMIT_REQUESTS_PER_BREATH requests.
//
// Start and stop are here too. A stop takes no new connections, answers what is parked, syncs and
// checkpoints, and leaves an empty log behind; being killed instead costs a replay and nothing
// else.
#include "node/shell/shell.h"

#include "node/core/event_record.h"
#include "node/shell/clocks.h"
#include "node/shell/drill.h"
#include "node/shell/entry.h"
#include "node/shell/links.h"
#include "node/shell/membership.h"
#include "node/shell/named_texts.h"
#include "node/shell/shell_internal.h"
#include "node/shell/state_watch.h"
#include "node/shell/storage.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

static const int64_t NS_PER_US = 1000;

// --- stepping the core
// -----------------------------------------------------------------------------------

void shell_step(struct shell *shell, struct node_event *event) {
    event->mono = clocks_mono();
    event->wall = clock_watch_wall(shell);
    recorder_note(shell->recorder, event);
    node_step(shell->node, event, shell->effects);
}

// --- storage jobs
// ----------------------------------------------------------------------------------------

static err batch_job(void *argument) {
    return store_batch_write(argument);
}

static err checkpoint_job(void *argument) {
    return store_checkpoint_write(argument);
}

static void batch_start(struct shell *shell) {
    if (shell->batch == NULL) {
        shell->batch = store_batch_begin(shell->store);
        if (shell->batch != NULL) {
            recorder_mark(shell->recorder, RECORD_BATCH_BEGUN);
            worker_submit(shell->log_worker, batch_job, shell->batch);
        }
    }
}

static void checkpoint_start(struct shell *shell, bool force) {
    if (shell->checkpoint == NULL) {
        shell->checkpoint = store_checkpoint_begin(shell->store, clocks_mono(), force);
        if (shell->checkpoint != NULL) {
            recorder_mark(shell->recorder, RECORD_CHECKPOINT_BEGUN);
            worker_submit(shell->checkpoint_worker, checkpoint_job, shell->checkpoint);
        }
    }
}

static void log_take(struct shell *shell) {
    if (worker_take_done(shell->log_worker)) {
        struct node_event event = {
            .kind = NODE_LOG_DONE,
            .lsn = store_batch_end(shell->store, &shell->batch),
        };
        shell_step(shell, &event);
    }
}

static void on_log_done(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    log_take(argument);
}

static void on_checkpoint_done(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct shell *shell = argument;
    if (worker_take_done(shell->checkpoint_worker)) {
        store_checkpoint_end(shell->store, &shell->checkpoint);
        struct node_event event = {.kind = NODE_CHECKPOINT_DONE};
        shell_step(shell, &event);
    }
}

// What a turn does for the log, in the middle of one: a crowd of requests that are ready at once
// would else be decided to the last before the first is written, and the log thread be idle
// meanwhile.
static void breathe(struct shell *shell) {
    if (shell->batch != NULL) {
        log_take(shell);
    }
    effects_carry_out(shell);
    batch_start(shell);
}

// --- requests
// --------------------------------------------------------------------------------------------

static bool is_metrics(const struct http_request *request) {
    return request->method == HTTP_METHOD_GET &&
           (bytes_equal_text(request->path, "/metrics") ||
            bytes_equal_text(request->path, "/actuator/prometheus"));
}

static void on_request(void *argument, uint64_t request_id, const struct http_request *http) {
    struct shell *shell = argument;
    if (is_metrics(http)) {
        metrics_respond(shell, request_id);
        return;
    }
    struct api_parameter parameters[LIMIT_API_QUERY_PARAMETERS];
    size_t count = http->parameter_count;
    if (count > LIMIT_API_QUERY_PARAMETERS) {
        count = LIMIT_API_QUERY_PARAMETERS;
    }
    for (size_t i = 0; i < count; i++) {
        parameters[i] = (struct api_parameter){http->parameters[i].name, http->parameters[i].value};
    }
    struct node_request request = {
        .method = http->method_text,
        .segments = http->segments,
        .segment_count = http->segment_count,
        .parameters = {.items = parameters, .count = count},
        .body = http->body,
    };
    struct node_event event = {
        .kind = NODE_REQUEST,
        .request_id = request_id,
        .request = &request,
    };
    shell_step(shell, &event);
    shell->requests_stepped++;
    if (shell->requests_stepped % LIMIT_REQUESTS_PER_BREATH == 0) {
        breathe(shell);
    }
}

static void on_gone(void *argument, uint64_t request_id) {
    struct node_event event = {.kind = NODE_GONE, .request_id = request_id};
    shell_step(argument, &event);
}

static void on_taken(void *argument, uint64_t request_id) {
    struct node_event event = {.kind = NODE_TAKEN, .request_id = request_id};
    shell_step(argument, &event);
}

static void on_http_stopped(void *argument) {
    struct shell *shell = argument;
    shell->http_stopped = true;
}

// --- the turn
// --------------------------------------------------------------------------------------------

static void on_tick(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct node_event event = {.kind = NODE_TICK};
    shell_step(argument, &event);
}

// Arms the tick for the core's next wish, or sooner when state waits for its checkpoint.
static void tick_arm(struct shell *shell) {
    mono_time now = clocks_mono();
    int64_t wait_us = (node_next_wakeup(shell->node).ns - now.ns) / NS_PER_US;
    if (store_stats(shell->store).overlay_bytes > 0 && shell->checkpoint == NULL &&
        wait_us > shell->config->checkpoint_ms * 1000) {
        wait_us = shell->config->checkpoint_ms * 1000;
    }
    if (wait_us < 0) {
        wait_us = 0;
    }
    struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    (void)evtimer_add(shell->tick, &wait);
}

// Clients are let go once others lead: until then any call here is answered, or handed on.
static void leave(struct shell *shell) {
    bool late = clocks_mono().ns >= shell->leave_by.ns;
    if (shell->leave_by.ns != 0 && (late || node_stats(shell->node).groups_led == 0)) {
        shell->leave_by.ns = 0;
        http_server_stop(shell->http);
    }
}

static void turn(struct shell *shell) {
    leave(shell);
    links_take(shell);
    effects_carry_out(shell);
    links_flush(shell);
    clock_watch_turn(shell);
    state_watch_turn(shell);
    batch_start(shell);
    checkpoint_start(shell, false);
    tick_arm(shell);
}

// --- stopping
// --------------------------------------------------------------------------------------------

static void on_stop_deadline(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct shell *shell = argument;
    log_line(
        shell->log,
        LOG_WARN,
        "stop_deadline",
        "text=\"clients still connected and calls under way are cut off\""
    );
    shell->stopped = true;
}

void shell_stop(struct shell *shell) {
    if (shell->stopping) {
        return;
    }
    shell->stopping = true;
    struct node_event event = {.kind = NODE_LEAVE};
    shell_step(shell, &event);
    if (shell->peers != NULL) {
        shell->leave_by.ns = clocks_mono().ns + LIMIT_LEAVE_MS * 1000000LL;
    } else {
        http_server_stop(shell->http);
    }
    struct timeval deadline = {
        .tv_sec = LIMIT_STOP_MS / 1000, .tv_usec = (suseconds_t)(LIMIT_STOP_MS % 1000) * 1000};
    (void)evtimer_add(shell->stop_deadline, &deadline);
}

static void on_terminate(evutil_socket_t descriptor, short what, void *argument) {
    (void)what;
    struct shell *shell = argument;
    if (!shell->stopping) {
        log_line(shell->log, LOG_INFO, "stopping", "signal=%d", (int)descriptor);
        shell_stop(shell);
    }
}

static void on_drill(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    drill_read(argument);
}

// Brings everything to disk, so that the next start has nothing to replay.
static void settle(struct shell *shell) {
    do {
        worker_wait(shell->log_worker);
        if (shell->batch != NULL) {
            struct node_event event = {
                .kind = NODE_LOG_DONE,
                .lsn = store_batch_end(shell->store, &shell->batch),
            };
            (void)worker_take_done(shell->log_worker);
            shell_step(shell, &event);
        }
        batch_start(shell);
    } while (shell->batch != NULL);
    do {
        worker_wait(shell->checkpoint_worker);
        if (shell->checkpoint != NULL) {
            (void)worker_take_done(shell->checkpoint_worker);
            store_checkpoint_end(shell->store, &shell->checkpoint);
        }
        checkpoint_start(shell, true);
    } while (shell->checkpoint != NULL);
}

// --- starting
// --------------------------------------------------------------------------------------------

static struct event *event_make(
    struct shell *shell, evutil_socket_t descriptor, short what, event_callback_fn callback
) {
    struct event *event = event_new(shell->base, descriptor, what, callback, shell);
    check(event != NULL);
    return event;
}

static void on_dump(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct shell *shell = argument;
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    recorder_dump(shell->recorder, shell->config->store, clocks_wall(), shell->log, arena);
}

static void events_create(struct shell *shell) {
    shell->log_done =
        event_make(shell, worker_descriptor(shell->log_worker), EV_READ | EV_PERSIST, on_log_done);
    shell->checkpoint_done = event_make(
        shell, worker_descriptor(shell->checkpoint_worker), EV_READ | EV_PERSIST, on_checkpoint_done
    );
    shell->tick = event_make(shell, -1, 0, on_tick);
    shell->stop_deadline = event_make(shell, -1, 0, on_stop_deadline);
    shell->terminate[0] = event_make(shell, SIGTERM, EV_SIGNAL | EV_PERSIST, on_terminate);
    shell->terminate[1] = event_make(shell, SIGINT, EV_SIGNAL | EV_PERSIST, on_terminate);
    (void)event_add(shell->log_done, NULL);
    (void)event_add(shell->checkpoint_done, NULL);
    shell->drill = event_make(shell, SIGUSR2, EV_SIGNAL | EV_PERSIST, on_drill);
    (void)event_add(shell->drill, NULL);
    shell->dump = event_make(shell, SIGUSR1, EV_SIGNAL | EV_PERSIST, on_dump);
    (void)event_add(shell->dump, NULL);
    (void)event_add(shell->terminate[0], NULL);
    (void)event_add(shell->terminate[1], NULL);
}

static void event_drop(struct event **event) {
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

static void shell_deinit(struct shell *shell) {
    http_server_destroy(&shell->http);
    evaluator_pool_destroy(&shell->evaluators);
    caller_destroy(&shell->caller);
    links_stop(shell);
    room_stop(&shell->room);
    event_drop(&shell->log_done);
    event_drop(&shell->checkpoint_done);
    event_drop(&shell->tick);
    event_drop(&shell->stop_deadline);
    event_drop(&shell->drill);
    event_drop(&shell->dump);
    event_drop(&shell->terminate[0]);
    event_drop(&shell->terminate[1]);
    worker_destroy(&shell->log_worker);
    worker_destroy(&shell->checkpoint_worker);
    node_destroy(&shell->node);
    recorder_destroy(&shell->recorder);
    node_effects_destroy(&shell->effects);
    if (shell->base != NULL) {
        event_base_free(shell->base);
        shell->base = NULL;
    }
}

static err random_seed(uint64_t *out_seed) {
    if (getrandom(out_seed, sizeof(*out_seed), 0) != sizeof(*out_seed)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    return ERR_NONE;
}

static bytes server_name(struct arena *arena) {
    char host[256] = "orpheus";
    (void)gethostname(host, sizeof(host) - 1);
    return arena_copy(arena, bytes_from_text(host));
}

static err node_start(struct shell *shell, struct arena *arena) {
    uint64_t seed = 0;
    const struct identity *identity = &shell->identity;
    bool alone = identity->state == IDENTITY_NONE;
    int64_t partitions = alone ? shell->config->partitions : identity->partitions;
    uint16_t *members = ARENA_ARRAY(arena, uint16_t, LIMIT_NODES);
    bytes *addresses = ARENA_ARRAY(arena, bytes, LIMIT_NODES);
    for (size_t i = 0; i < identity->first.count; i++) {
        members[i] = identity->first.items[i].node;
        addresses[i] = bytes_from_text(identity->first.items[i].address);
    }
    TRY(random_seed(&seed));
    struct node_options options = {
        .store = shell->store,
        .settings =
            {
                .group_count = (uint32_t)partitions + 1,
                .owner_email_mandatory = shell->config->owner_email_mandatory,
                .name_validation = shell->config->name_validation,
                .server_name = server_name(arena),
                .secrets = named_texts_read("CONDUCTOR_SECRET_", arena),
                .environment = named_texts_read("CONDUCTOR_ENV_", arena),
            },
        .calls_max = (uint32_t)shell->config->calls,
        .members = members,
        .member_count = identity->first.count,
        .addresses = addresses,
        .joined = identity->joined,
        .self = identity->node,
        .cluster_id = identity->cluster_id,
        .replicas = alone ? (uint32_t)shell->config->replicas : identity->replicas,
        .incarnation = shell->incarnation,
        .store_id = identity->store_id,
        .api_address = bytes_from_text(config_api_address(shell->config)),
        .zone = bytes_from_text(shell->config->zone),
        .weight = (uint32_t)shell->config->weight,
        .release_low = SHELL_RELEASE_LOW,
        .release_high = SHELL_RELEASE_HIGH,
        .dead_after_ms = shell->config->dead_after_s * 1000,
        .random_seed = seed,
        .host = server_name(arena),
        .version = BYTES_LITERAL(SHELL_VERSION),
        .clock_trusted = clock_watch_is_trusted(shell),
        .wall = clock_watch_wall(shell),
        .mono = clocks_mono(),
    };
    shell->effects = node_effects_create();
    shell->recorder = recorder_create(&options);
    shell->node = node_create(&options);
    return ERR_NONE;
}

static err http_start(struct shell *shell, struct arena *arena) {
    const char *host = NULL;
    uint16_t port = 0;
    TRY(config_address(shell->config->http, arena, &host, &port));
    struct http_server_options options = {
        .address = host,
        .port = port,
        .instance = arena_text(arena, server_name(arena)),
        .connections_max = (uint32_t)shell->config->connections,
        .on_request = on_request,
        .on_gone = on_gone,
        .on_taken = on_taken,
        .on_stopped = on_http_stopped,
        .argument = shell,
    };
    TRY(http_server_create(shell->base, &options, &shell->http));
    log_line(
        shell->log,
        LOG_INFO,
        "listening",
        "http=%s:%u version=%s store=%s",
        host,
        http_server_port(shell->http),
        SHELL_VERSION,
        shell->config->store
    );
    return ERR_NONE;
}

// The evaluator's program: as configured, else beside our own.
static const char *evaluator_program(const struct config *config, struct arena *arena) {
    if (config->evaluator[0] != '\0') {
        return config->evaluator;
    }
    char own[4096];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own));
    while (size > 0 && own[size - 1] != '/') {
        size--;
    }
    return arena_format(arena, "%.*sorpheus-evaluator", size > 0 ? (int)size : 0, own);
}

static err shell_start(struct shell *shell, struct arena *arena) {
    shell->base = event_base_new();
    if (shell->base == NULL) {
        return err_make(ERR_IO, "no event loop can be made");
    }
    TRY(worker_create(shell->log, "log", &shell->log_worker));
    TRY(worker_create(shell->log, "checkpoint", &shell->checkpoint_worker));
    struct evaluator_pool_options evaluators = {
        .program = evaluator_program(shell->config, arena),
    };
    shell->evaluators = evaluator_pool_create(shell->base, &evaluators);
    TRY(caller_create(shell->base, &shell->caller));
    TRY(node_start(shell, arena));
    TRY(links_start(shell, arena));
    events_create(shell);
    drill_read(shell);
    TRY(room_start(shell, arena));
    return http_start(shell, arena);
}

static void shell_run(struct shell *shell) {
    turn(shell);
    while (!shell->stopped) {
        (void)event_base_loop(shell->base, EVLOOP_ONCE);
        turn(shell);
        // Calls under way are waited for until they are answered, or given back.
        shell->stopped =
            shell->stopped || (shell->http_stopped && node_stats(shell->node).calls_open == 0);
    }
    settle(shell);
    log_line(
        shell->log,
        LOG_INFO,
        "stopped",
        "requests=%llu",
        (unsigned long long)node_stats(shell->node).requests
    );
}

err shell_serve(const struct config *config, const struct log *log, struct arena *arena) {
    (void)signal(SIGPIPE, SIG_IGN);
    struct storage *storage = NULL;
    struct log own_log = *log;
    struct shell shell = {.config = config, .log = &own_log};
    TRY(entry_find(config, log, arena, &shell.identity));
    own_log.node = shell.identity.node > 0 ? shell.identity.node : log->node;
    room_make(config, &own_log, arena);
    TRY(storage_open(config, &shell.identity, &own_log, arena, &storage));
    shell.store = storage_store(storage);
    shell.incarnation = storage_incarnation(storage);
    err started = entry_settle(config, shell.store, arena, &shell.identity);
    if (!err_is(started)) {
        started = shell_start(&shell, arena);
    }
    if (!err_is(started)) {
        shell_run(&shell);
        if (shell.outgrown) {
            started = membership_outgrown();
        }
    }
    shell_deinit(&shell);
    storage_close(&storage);
    return started;
}
