// The Prometheus text of a node (text format 0.0.4). One row a figure: name, kind, help, value.
#include "node/shell/shell_internal.h"
#include "proto/limits.h"

struct figure {
    const char *name;
    const char *kind;
    const char *help;
    uint64_t value;
};

static void figures_write(const struct figure *figures, size_t count, struct buffer *out) {
    for (size_t i = 0; i < count; i++) {
        buffer_format(
            out,
            "# HELP orpheus_%s %s\n# TYPE orpheus_%s %s\norpheus_%s %llu\n",
            figures[i].name,
            figures[i].help,
            figures[i].name,
            figures[i].kind,
            figures[i].name,
            (unsigned long long)figures[i].value
        );
    }
}

static void store_figures(const struct shell *shell, struct buffer *out) {
    struct store_stats stats = store_stats(shell->store);
    const struct figure figures[] = {
        {"log_syncs_total", "counter", "Log batches written and synced", stats.batches},
        {"log_bytes_total", "counter", "Bytes of log batches, padding included", stats.batch_bytes},
        {"checkpoints_total", "counter", "Checkpoints", stats.checkpoints},
        {"checkpoint_bytes_total", "counter", "Bytes of rows checkpointed", stats.checkpoint_bytes},
        {"overlay_bytes", "gauge", "State not yet checkpointed", stats.overlay_bytes},
        {"log_segments", "gauge", "Log segments held", stats.segments},
        {"log_durable_lsn", "gauge", "Newest durable log record", stats.durable_lsn},
        {"log_appended_lsn", "gauge", "Newest log record", stats.appended_lsn},
        {"scrubbed_bytes_total", "counter", "Bytes of rows read again", stats.scrubbed_bytes},
        {"scrubbed_groups_total", "counter", "Partitions read to their end", stats.scrubbed_groups},
        {"rotten_total", "counter", "Times stored rows were found damaged", stats.rotten},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void node_figures(const struct shell *shell, struct buffer *out) {
    struct node_stats stats = node_stats(shell->node);
    const struct figure figures[] = {
        {"requests_total", "counter", "API requests", stats.requests},
        {"entries_total", "counter", "Log entries proposed", stats.entries},
        {"workflows_started_total",
         "counter",
         "Executions started by clients",
         stats.workflows_started},
        {"tasks_claimed_total", "counter", "Tasks handed to workers", stats.tasks_claimed},
        {"tasks_returned_total", "counter", "Tasks taken back undelivered", stats.tasks_returned},
        {"tasks_updated_total", "counter", "Task updates by workers", stats.tasks_updated},
        {"timers_fired_total", "counter", "Timers fired", stats.timers_fired},
        {"evaluations_total", "counter", "Scripts asked for", stats.evaluations},
        {"calls_total", "counter", "Requests of HTTP tasks claimed", stats.calls},
        {"calls_told_total",
         "counter",
         "Requests of HTTP tasks answered or failed",
         stats.calls_told},
        {"bodies_staged_total",
         "counter",
         "Large bodies written ahead of the entries that name them",
         stats.bodies_staged},
        {"calls_open", "gauge", "Requests of HTTP tasks in flight", stats.calls_open},
        {"messages_applied_total",
         "counter",
         "Messages between partitions applied",
         stats.messages_applied},
        {"requests_refused_total", "counter", "Requests answered 503", stats.refused_overload},
        {"polls_parked", "gauge", "Long polls waiting", stats.polls_parked},
        {"supply_held", "gauge", "Ready tasks known to matching", stats.supply_held},
        {"alarms_held", "gauge", "Timers in memory", stats.alarms_held},
        {"effects_held", "gauge", "Answers waiting for the log", stats.answers_held},
        {"states_compared_total", "counter", "Hashes of copies compared", stats.states_compared},
        {"states_differed_total", "counter", "Copies found to be wrong", stats.states_differed},
        {"states_condemned_total", "counter", "Copies here found wrong", stats.states_condemned},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void answer_figures(const struct shell *shell, struct buffer *out) {
    struct node_stats stats = node_stats(shell->node);
    const struct figure figures[] = {
        {"long_answers", "gauge", "Answers being told piece by piece", stats.long_answers},
        {"long_answers_total", "counter", "Answers told so", stats.long_answers_begun},
        {"long_answers_broken_total",
         "counter",
         "Of these broken off by this node, or by one it asked",
         stats.long_answers_broken},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void clock_figures(const struct shell *shell, struct buffer *out) {
    struct cluster_time_status clock = node_clock(shell->node);
    int64_t off_ms = clock.off_ms < 0 ? -clock.off_ms : clock.off_ms;
    const struct figure figures[] = {
        {"clock_off_ms", "gauge", "Wall clock, away from cluster time", (uint64_t)off_ms},
        {"clock_sick", "gauge", "1: it is wrong, the node leads nothing", clock.sick},
        {"clock_sick_total", "counter", "Times it was found wrong", clock.sick_count},
        {"clock_agreed", "gauge", "1: a majority of clocks agrees", clock.agreed},
        {"clock_trusted", "gauge", "1: timers may fire by cluster time", clock.trusted},
        {"clock_steps_total", "counter", "Steps forward of cluster time", clock.steps},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void call_figures(const struct shell *shell, struct buffer *out) {
    struct caller_stats stats = caller_stats(shell->caller);
    const struct figure figures[] = {
        {"call_answers_total", "counter", "Requests outside that were answered", stats.answered},
        {"call_failures_total", "counter", "Requests outside without an answer", stats.failed},
        {"call_too_large_total", "counter", "Answers given up for their size", stats.too_large},
        {"call_received_bytes_total", "counter", "Bytes of answers", stats.received_bytes},
        {"call_held_bytes", "gauge", "Bytes of answers under way", stats.held_bytes},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

// The links to the other nodes, summed; what a node alone does not have.
static void peer_figures(const struct shell *shell, struct buffer *out) {
    if (shell->peers == NULL) {
        return;
    }
    struct peer_counters sums = peers_stats(shell->peers);
    const struct figure figures[] = {
#define PEER_FIGURE(name, meaning) {"peer_" #name "_total", "counter", meaning, sums.name},
        PEER_COUNTERS(PEER_FIGURE)
#undef PEER_FIGURE
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void disk_figures(const struct shell *shell, struct buffer *out) {
    struct disk_measure disk = room_measured(shell->room);
    struct fitness fitness = node_fitness(shell->node);
    const struct figure figures[] = {
        {"disk_used_bytes", "gauge", "Used of the store's device, by anybody", disk.used_bytes},
        {"disk_free_bytes", "gauge", "Free on the store's device, for us", disk.free_bytes},
        {"disk_used_permille", "gauge", "Used, the ballast counted", fitness.used_permille},
        {"disk_room_level", "gauge", "0 enough, 1 soft limit, 2 hard limit", fitness.room},
        {"disk_ballast_bytes",
         "gauge",
         "Held to be given up at the hard limit",
         disk.ballast_held ? disk.ballast_bytes : 0},
        {"disk_refused_total",
         "counter",
         "Requests refused for want of room",
         node_stats(shell->node).refused_room},
        {"log_slow", "gauge", "1: the log was slow, leadership goes away", fitness.slow},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
}

static void audit_figures(const struct shell *shell, struct buffer *out) {
    static const char *const names[AUDITED_COUNT] = {
#define AUDITED_NAME(invariant, meaning) [AUDITED_##invariant] = #invariant,
        AUDITED(AUDITED_NAME)
#undef AUDITED_NAME
    };
    struct auditor_stats stats = node_auditor(shell->node);
    const struct figure figures[] = {
        {"audit_groups_total", "counter", "Partitions walked through by the auditor", stats.groups},
        {"audit_uncounted_total",
         "counter",
         "Of them without a comparison of counters",
         stats.uncounted},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
    buffer_append_text(
        out,
        "# HELP orpheus_audit_faults_total Broken invariants found, by number; must be 0\n"
        "# TYPE orpheus_audit_faults_total counter\n"
    );
    for (int kind = 0; kind < AUDITED_COUNT; kind++) {
        buffer_format(
            out,
            "orpheus_audit_faults_total{invariant=\"%s\"} %llu\n",
            names[kind],
            (unsigned long long)stats.faults[kind]
        );
    }
}

static void http_figures(const struct shell *shell, struct buffer *out) {
    struct http_server_stats stats;
    http_server_stats(shell->http, &stats);
    const struct figure figures[] = {
        {"http_connections", "gauge", "Open connections", stats.connections},
        {"http_requests_parked", "gauge", "Requests not answered yet", stats.requests_parked},
        {"http_connections_total", "counter", "Connections accepted", stats.connections_total},
        {"http_requests_total", "counter", "Requests read", stats.requests_total},
        {"http_gone_total", "counter", "Clients that left before their answer", stats.gone_total},
        {"http_received_bytes_total", "counter", "Bytes received", stats.received_bytes},
        {"http_sent_bytes_total", "counter", "Bytes sent", stats.sent_bytes},
    };
    figures_write(figures, sizeof(figures) / sizeof(figures[0]), out);
    buffer_append_text(
        out,
        "# HELP orpheus_http_refused_total Requests refused by the front door\n"
        "# TYPE orpheus_http_refused_total counter\n"
    );
    for (int cause = HTTP_REFUSAL_NONE + 1; cause < HTTP_REFUSAL_COUNT; cause++) {
        buffer_format(
            out,
            "orpheus_http_refused_total{cause=\"%s\"} %llu\n",
            http_refusal_name((enum http_refusal_cause)cause),
            (unsigned long long)stats.refused[cause]
        );
    }
}

void metrics_respond(struct shell *shell, uint64_t request_id) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    store_figures(shell, &body);
    node_figures(shell, &body);
    answer_figures(shell, &body);
    clock_figures(shell, &body);
    call_figures(shell, &body);
    peer_figures(shell, &body);
    disk_figures(shell, &body);
    audit_figures(shell, &body);
    http_figures(shell, &body);
    struct http_response response = {
        .status = 200,
        .content_type = "text/plain; version=0.0.4; charset=utf-8",
        .body = buffer_bytes(&body),
    };
    (void)http_server_respond(shell->http, request_id, &response);
    buffer_deinit(&body);
}
