// From a request to its handler: the row of the API table, the body checked once, a function.
//
// Answers that depend on nothing stored leave at once; all others wait behind the gate that the
// decision gives (node_decision_commit, node_decision_abort).
#include "node/core/call_report.h"
#include "node/core/forward.h"
#include "node/core/gather.h"
#include "node/core/lead.h"
#include "node/core/locate.h"
#include "node/core/long_answer.h"
#include "node/core/look.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

typedef void (*request_handler)(struct node *node, const struct request *request);

static request_handler handler_of(enum api_route_name route) {
    static const request_handler handlers[API_ROUTE_COUNT] = {
        [API_START_WORKFLOW] = request_start_workflow,
        [API_START_WORKFLOW_BY_NAME] = request_start_workflow_by_name,
        [API_GET_WORKFLOW] = request_get_workflow,
        [API_GET_WORKFLOW_STATUS] = request_get_workflow_status,
        [API_DECIDE_WORKFLOW] = request_decide_workflow,
        [API_PAUSE_WORKFLOW] = request_pause_workflow,
        [API_RESUME_WORKFLOW] = request_resume_workflow,
        [API_TERMINATE_WORKFLOW] = request_terminate_workflow,
        [API_GET_WORKFLOW_TASKS] = request_get_workflow_tasks,
        [API_GET_CORRELATED_WORKFLOWS] = request_get_correlated,
        [API_GET_CORRELATED_WORKFLOWS_OF_MANY] = request_get_correlated_of_many,
        [API_GET_RUNNING_WORKFLOWS] = request_get_running,
        [API_REMOVE_WORKFLOW] = request_remove_workflow,
        [API_TERMINATE_AND_REMOVE_WORKFLOW] = request_remove_workflow,
        [API_RESTART_WORKFLOW] = request_restart_workflow,
        [API_RETRY_WORKFLOW] = request_retry_workflow,
        [API_RESET_WORKFLOW_CALLBACKS] = request_reset_callbacks,
        [API_RERUN_WORKFLOW] = request_rerun_workflow,
        [API_SKIP_TASK] = request_skip_task,
        [API_EXECUTE_WORKFLOW] = request_execute_workflow,
        [API_SIGNAL_TASK] = request_signal_task,
        [API_SIGNAL_TASK_SYNC] = request_signal_task_sync,
        [API_BULK_PAUSE] = request_bulk,
        [API_BULK_RESUME] = request_bulk,
        [API_BULK_RESTART] = request_bulk,
        [API_BULK_RETRY] = request_bulk,
        [API_BULK_TERMINATE] = request_bulk,
        [API_BULK_REMOVE] = request_bulk,
        [API_BULK_TERMINATE_AND_REMOVE] = request_bulk,
        [API_POLL_TASK] = request_poll_task,
        [API_POLL_TASKS] = request_poll_tasks,
        [API_UPDATE_TASK] = request_update_task,
        [API_UPDATE_TASK_AND_POLL] = request_update_task_and_poll,
        [API_UPDATE_TASK_BY_REFERENCE] = request_update_by_reference,
        [API_UPDATE_TASK_BY_REFERENCE_SYNC] = request_update_by_reference,
        [API_ADD_TASK_LOG] = request_add_task_log,
        [API_GET_TASK_LOGS] = request_get_task_logs,
        [API_GET_TASK] = request_get_task,
        [API_GET_QUEUE_SIZES] = request_get_queue_sizes,
        [API_GET_QUEUE_SIZE] = request_get_queue_size,
        [API_GET_ALL_QUEUES] = request_get_all_queues,
        [API_GET_ALL_QUEUES_VERBOSE] = request_get_all_queues,
        [API_GET_POLL_DATA] = request_get_poll_data,
        [API_GET_ALL_POLL_DATA] = request_get_poll_data,
        [API_REQUEUE_TASKS] = request_requeue_tasks,
        [API_REGISTER_WORKFLOW] = request_register_workflow,
        [API_VALIDATE_WORKFLOW] = request_register_workflow,
        [API_UPDATE_WORKFLOWS] = request_update_workflows,
        [API_GET_WORKFLOW_DEFINITION] = request_get_workflow_definition,
        [API_LIST_WORKFLOW_DEFINITIONS] = request_list_workflow_definitions,
        [API_LIST_WORKFLOW_NAMES_AND_VERSIONS] = request_list_names_and_versions,
        [API_LIST_WORKFLOW_NAMES] = request_list_names,
        [API_LIST_WORKFLOW_VERSIONS] = request_list_versions,
        [API_LIST_LATEST_WORKFLOW_DEFINITIONS] = request_list_workflow_definitions,
        [API_DELETE_WORKFLOW_DEFINITION] = request_delete_workflow_definition,
        [API_REGISTER_TASKS] = request_register_tasks,
        [API_UPDATE_TASK_DEFINITION] = request_update_task_definition,
        [API_LIST_TASK_DEFINITIONS] = request_list_task_definitions,
        [API_GET_TASK_DEFINITION] = request_get_task_definition,
        [API_DELETE_TASK_DEFINITION] = request_delete_task_definition,
        [API_GET_HEALTH] = request_get_health,
        [API_GET_API_HEALTH] = request_get_health,
        [API_GET_VERSION] = request_get_version,
        [API_GET_ACTUATOR_HEALTH] = request_get_actuator_health,
        [API_GET_ACTUATOR_INFO] = request_get_actuator_info,
        [API_GET_OPENAPI] = request_get_openapi,
        [API_GET_CLUSTER] = request_get_cluster,
        [API_EXPLAIN_WORKFLOW] = request_explain_workflow,
        [API_ADD_NODE] = request_add_node,
        [API_BEGIN_BACKUP] = request_begin_backup,
        [API_KEEP_BACKUP] = request_keep_backup,
        [API_GET_BACKUP_PARTITION] = request_get_backup_partition,
        [API_GET_BACKUP_ROWS] = request_get_backup_rows,
        [API_GET_BACKUP_ENTRIES] = request_get_backup_entries,
        [API_MARK_BACKUP] = request_mark_backup,
        [API_BEGIN_RESTORE] = request_begin_restore,
        [API_LOAD_RESTORE] = request_load_restore,
        [API_END_RESTORE] = request_end_restore,
        [API_DRAIN_NODE] = request_drain_node,
        [API_CANCEL_DRAIN_NODE] = request_cancel_drain_node,
        [API_REMOVE_NODE] = request_remove_node,
        [API_REPLACE_NODE] = request_replace_node,
        [API_MOVE_REPLICA] = request_move_replica,
    };
    return handlers[route];
}

// --- what did not match a row
// --------------------------------------------------------------------------

static bytes path_of(const struct node *node, const struct node_request *http) {
    struct buffer path;
    buffer_init(&path, LIMIT_HTTP_HEAD_BYTES);
    for (size_t i = 0; i < http->segment_count; i++) {
        buffer_append_text(&path, i == 0 ? "" : "/");
        buffer_append(&path, http->segments[i]);
    }
    bytes kept = arena_copy(node->arena, buffer_bytes(&path));
    buffer_deinit(&path);
    return kept;
}

static void answer_options(struct node *node, uint64_t request_id, unsigned methods) {
    struct node_effect effect = {
        .kind = EFFECT_REPLY,
        .request_id = request_id,
        .status = 200,
        .reply_kind = REPLY_VOID,
        .allow = methods,
    };
    node_effects_add(node->effects, &effect);
}

static void answer_unmatched(struct node *node, const struct request *request) {
    const struct node_request *http = request->http;
    switch (request->match.outcome) {
    case API_MATCH_OPTIONS:
        answer_options(node, request->id, request->match.methods);
        break;
    case API_MATCH_WRONG_METHOD:
        node_answer_status(
            node, request->id, 405, api_wrong_method(http->method, node->arena).text
        );
        break;
    case API_MATCH_UNKNOWN:
    case API_MATCH_ROUTE:
        node_answer_error(
            node, request->id, api_unknown_path(path_of(node, http), node->arena), GATE_OPEN
        );
        break;
    }
}

// --- bodies
// ----------------------------------------------------------------------------------------------

static bool body_is_json(enum api_body body) {
    return body == API_BODY_MODEL || body == API_BODY_MODEL_LIST || body == API_BODY_OBJECT ||
           body == API_BODY_TEXT_LIST;
}

static err body_read(struct node *node, struct request *request) {
    if (!body_is_json(request->match.route->body)) {
        return ERR_NONE;
    }
    bool empty = bytes_trim(request->http->body).size == 0;
    if (empty && request->match.route->name == API_SKIP_TASK) {
        return ERR_NONE; // its query says it then (rest-api.md §3.2, W-20)
    }
    if (empty) {
        return err_make(ERR_INVALID, "Required request body is missing");
    }
    if (job_is_running(node)) {
        request->json = bytes_trim(request->http->body); // it was validated the first time
        return ERR_NONE;
    }
    return json_validate(request->http->body, node->arena, &request->json);
}

struct node_request request_copy(struct arena *arena, const struct node_request *request) {
    bytes *segments = ARENA_ARRAY(arena, bytes, request->segment_count + 1);
    for (size_t i = 0; i < request->segment_count; i++) {
        segments[i] = arena_copy(arena, request->segments[i]);
    }
    size_t count = request->parameters.count;
    struct api_parameter *parameters = ARENA_ARRAY(arena, struct api_parameter, count + 1);
    for (size_t i = 0; i < count; i++) {
        parameters[i].name = arena_copy(arena, request->parameters.items[i].name);
        parameters[i].value = arena_copy(arena, request->parameters.items[i].value);
    }
    uint32_t *groups = ARENA_ARRAY(arena, uint32_t, request->group_count + 1);
    for (size_t i = 0; i < request->group_count; i++) {
        groups[i] = request->groups[i];
    }
    struct node_request copy = *request;
    copy.method = arena_copy(arena, request->method);
    copy.segments = segments;
    copy.parameters = (struct api_parameters){.items = parameters, .count = count};
    copy.body = arena_copy(arena, request->body);
    copy.aim = arena_copy(arena, request->aim);
    copy.groups = groups;
    return copy;
}

bool request_is_bulk(const struct request *request) {
    enum api_route_name name = request->match.route->name;
    return name >= API_BULK_PAUSE && name <= API_BULK_TERMINATE_AND_REMOVE;
}

bool request_covers(const struct request *request, group_id group) {
    if (!request->http->scoped) {
        return true;
    }
    for (size_t i = 0; i < request->http->group_count; i++) {
        if (request->http->groups[i] == group) {
            return true;
        }
    }
    return false;
}

// --- who runs it
// ----------------------------------------------------------------------------------------------

// Of a group that is being restored the request runs, to be told so, or to go on with that.
static bool may_run(const struct node *node, const struct request *request, group_id group) {
    const struct group *known = &node->groups[group];
    bool steps = request_is_backup(request->match.route->name) && group_is_led(known);
    return steps || known->restoring || lead_may_decide(node, group);
}

// The first group that a run needs and this node does not lead. False: it leads all of them.
static bool lacks(struct node *node, const struct request *request, group_id *out_group) {
    if (request->http->scoped) {
        for (size_t i = 0; i < request->http->group_count; i++) {
            uint32_t group = request->http->groups[i];
            if (group >= node->settings.group_count || !lead_may_decide(node, (group_id)group)) {
                *out_group = group < node->settings.group_count ? (group_id)group : 0;
                return true;
            }
        }
        return false;
    }
    id128 ignored;
    struct location at = locate(node, request, &ignored);
    *out_group = at.group;
    return at.kind == LOCATION_GROUP && !may_run(node, request, at.group);
}

static void run_here(struct node *node, const struct request *request) {
    if (fitness_refuses(node, request)) {
        return;
    }
    node->random_begun = node->job == NULL ? node->random : node->random_begun;
    handler_of(request->match.route->name)(node, request);
}

// `consistency=stale`: a read that this node's own copy answers, whoever leads.
static bool
wants_stale(struct node *node, const struct request *request, const struct location *at) {
    if (at->kind != LOCATION_GROUP || request->match.route->method != API_METHOD_GET ||
        !raft_status(node->raft, at->group).configured) {
        return false;
    }
    const struct api_parameters *parameters = &request->http->parameters;
    for (size_t i = 0; i < parameters->count; i++) {
        if (bytes_equal_text(parameters->items[i].name, "consistency")) {
            return bytes_equal_text(parameters->items[i].value, "stale");
        }
    }
    return false;
}

// A client's request: run here when that is the right place, else asked of who leads its group.
static void client_request(struct node *node, const struct request *arrived) {
    id128 id;
    if (node->alone && job_is_running(node)) {
        run_here(node, arrived); // as the first time
        return;
    }
    struct location at = locate(node, arrived, &id);
    struct node_request chosen = *arrived->http;
    struct request placed = *arrived;
    const struct request *request = &placed;
    if (!id_is_zero(id)) {
        chosen.chosen_id = id;
        placed.http = &chosen;
    }
    placed.stale = wants_stale(node, arrived, &at);
    if (at.kind == LOCATION_HERE || node->alone || placed.stale) {
        run_here(node, request);
    } else if (at.kind == LOCATION_ALL) {
        gather_begin(node, request);
    } else {
        struct forward_wish wish = {
            .purpose = FORWARD_REQUEST,
            .request_id = request->id,
            .request = request->http,
            .group = at.group,
            .idempotent = at.idempotent,
            .timeout_ms = LIMIT_FORWARD_MS + at.wait_ms,
        };
        forward_begin(node, &wish);
    }
}

void node_request(struct node *node, uint64_t request_id, const struct node_request *http) {
    if (forward_is_run(request_id) && bytes_equal_text(http->method, LOOK_METHOD)) {
        look_run(node, request_id, http->body);
        return;
    }
    if (forward_is_run(request_id) && bytes_equal_text(http->method, CALL_REPORT_METHOD)) {
        call_report_run(node, request_id, http);
        return;
    }
    struct request request = {.id = request_id, .http = http};
    request.match = api_match(http->method, http->segments, http->segment_count);
    if (request.match.outcome != API_MATCH_ROUTE) {
        answer_unmatched(node, &request);
        return;
    }
    request_handler handler = handler_of(request.match.route->name);
    if (handler == NULL) {
        node_answer_error(
            node, request_id, api_not_built(request.match.route, node->arena), GATE_OPEN
        );
        return;
    }
    err body = body_read(node, &request);
    if (err_is(body)) {
        node_answer_error(node, request_id, body, GATE_OPEN);
        return;
    }
    group_id lacking = 0;
    if (!forward_is_run(request_id)) {
        client_request(node, &request);
    } else if (lacks(node, &request, &lacking)) {
        forward_run_refuse(node, request_id, lacking);
    } else {
        run_here(node, &request);
    }
}

// --- parts
// --------------------------------------------------------------------------------------------------

bytes request_text(const struct node *node, const struct request *request, const char *name) {
    return api_query_text(request->match.route, &request->http->parameters, name, node->arena);
}

err request_int(
    const struct node *node,
    const struct request *request,
    const char *name,
    struct api_optional_int *out_value
) {
    return api_query_int(
        request->match.route, &request->http->parameters, name, node->arena, out_value
    );
}

err request_bool(
    const struct node *node, const struct request *request, const char *name, bool *out
) {
    return api_query_bool(request->match.route, &request->http->parameters, name, node->arena, out);
}

// --- running a command
// ---------------------------------------------------------------------------------------

// A large answer, which is told after the decision.
static void tell(
    struct node *node,
    const struct request *request,
    group_id group,
    struct decision *decision,
    const struct reply *reply
) {
    struct long_answer_wish wish = {
        .request_id = request->id,
        .group = group,
        .now = decision->now,
        .stale = request->stale,
    };
    if (request->stale) {
        (void)node_decision_abort(node, decision);
        wish.age_ms = raft_age_ms(node->raft, group);
    } else {
        wish.gate = node_decision_commit(node, decision);
    }
    long_answer_begin(node, &wish, reply);
}

void request_run(
    struct node *node, const struct request *request, group_id group, request_command command
) {
    struct decision decision;
    err begun = request->stale ? node_decision_look(node, group, &decision)
                               : node_decision_begin_large(node, group, &decision);
    if (err_is(begun)) {
        node_answer_error(node, request->id, begun, GATE_OPEN);
        return;
    }
    struct reply reply = {0};
    err done = stages_look(&decision, command(node, request, &decision, &reply));
    if (!err_is(done) && reply.telling != NULL) {
        tell(node, request, group, &decision, &reply);
    } else if (request->stale && !err_is(done)) {
        (void)node_decision_abort(node, &decision);
        node_answer_stale(node, request->id, &reply, raft_age_ms(node->raft, group));
    } else if (done.code == ERR_SUSPENDED) {
        job_suspend_request(node, request, &decision);
    } else if (err_is(done)) {
        node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
    } else {
        node_answer(node, request->id, &reply, node_decision_commit(node, &decision));
    }
}

bool request_hand_on(struct node *node, const struct request *request, bytes aim) {
    group_id group = decision_group_of(&node->settings, aim);
    if (node->groups[group].leading || node->alone) {
        return false;
    }
    struct node_request aimed = *request->http;
    aimed.aim = aim;
    struct forward_wish wish = {
        .purpose = FORWARD_REQUEST,
        .request_id = request->id,
        .request = &aimed,
        .group = group,
        .timeout_ms = LIMIT_FORWARD_MS + LIMIT_WAIT_MS,
    };
    forward_begin(node, &wish);
    return true;
}

void request_run_at(
    struct node *node, const struct request *request, bytes aim, request_command command
) {
    if (!request_hand_on(node, request, aim)) {
        struct request aimed = *request;
        aimed.match.variables[0] = aim;
        request_run(node, &aimed, decision_group_of(&node->settings, aim), command);
    }
}

void request_run_checked(
    struct node *node,
    const struct request *request,
    group_id group,
    request_checked_command command
) {
    struct decision decision;
    err begun = node_decision_begin_large(node, group, &decision);
    if (err_is(begun)) {
        node_answer_error(node, request->id, begun, GATE_OPEN);
        return;
    }
    struct api_violations violations;
    api_violations_init(&violations, node->arena);
    struct reply reply = {0};
    err done = command(node, request, &decision, &violations, &reply);
    done = stages_look(&decision, done);
    if (done.code == ERR_SUSPENDED) {
        job_suspend_request(node, request, &decision);
    } else if (err_is(done) && violations.count > 0) {
        struct gate gate = node_decision_abort(node, &decision);
        node_answer_violations(node, request->id, &violations, gate);
    } else if (err_is(done)) {
        node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
    } else {
        node_answer(node, request->id, &reply, node_decision_commit(node, &decision));
    }
}
