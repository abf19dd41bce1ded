#include "tests/unit/node_core/cluster.h"

#include "node/core/peer_message.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void step(struct cluster *cluster, int at, struct node_event *event) {
    event->mono = cluster->mono;
    event->wall = (wall_time){cluster->wall.ms + cluster->nodes[at].wall_ms};
    node_step(cluster->nodes[at].node, event, cluster->nodes[at].effects);
}

static uint16_t release_of(const struct cluster *cluster, int at) {
    uint16_t release = cluster->nodes[at].release;
    return release == 0 ? 1 : release;
}

static void tell_peer(struct cluster *cluster, int at, int peer, bool up) {
    struct node_event event = {
        .kind = up ? NODE_PEER_UP : NODE_PEER_DOWN,
        .peer = cluster->nodes[peer].id,
    };
    if (up) {
        store_identity(cluster->nodes[peer].store, event.store_id.bytes);
        event.release_low = 1;
        event.release_high = release_of(cluster, peer);
    }
    cluster->nodes[at].linked[peer] = up;
    step(cluster, at, &event);
}

static bool is_wanted(const struct cluster *cluster, int one, int other) {
    const struct cluster_node *left = &cluster->nodes[one];
    const struct cluster_node *right = &cluster->nodes[other];
    return one != other && left->node != NULL && right->node != NULL && !left->cut_off &&
           !right->cut_off && left->knows[right->id] && right->knows[left->id];
}

static bool is_connected(const struct cluster *cluster, int one, int other) {
    return cluster->nodes[one].linked[other] && cluster->nodes[other].linked[one];
}

// --- life
// -------------------------------------------------------------------------------------------------

static void messages_drop(struct cluster *cluster, int one, int other);

// Links come and go as processes and members do.
static void links_follow(struct cluster *cluster) {
    for (int one = 0; one < CLUSTER_NODES_MAX; one++) {
        for (int other = 0; other < one; other++) {
            bool wanted = is_wanted(cluster, one, other);
            if (wanted == is_connected(cluster, one, other)) {
                continue;
            }
            if (!wanted) {
                messages_drop(cluster, one, other);
            }
            const int ends[2][2] = {{one, other}, {other, one}};
            for (int end = 0; end < 2; end++) {
                int at = ends[end][0];
                if (cluster->nodes[at].node != NULL) {
                    tell_peer(cluster, at, ends[end][1], wanted);
                }
                cluster->nodes[at].linked[ends[end][1]] = wanted;
            }
        }
    }
}

static void open_store(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    struct store_options store = {
        .disk = node->disk,
        .map = node->map,
        .group_count = CLUSTER_GROUPS,
        .lane_count = 1,
        .segment_bytes = 1024 * 1024,
        .overlay_bytes_max = 64 * 1024 * 1024,
        .checkpoint_bytes = 64 * 1024,
        .checkpoint_ms = 250,
        .attest_entries = CLUSTER_ATTEST_ENTRIES,
        .scrub_bytes = cluster->scrubs ? 16 * 1024 : 0,
        .scrub_ms = 100,
        .scrub_rest_ms = 1000,
        .random_seed = 5 + (uint64_t)at + 1000 * node->wipes,
    };
    assert_ok(store_open(&store, cluster->arena, &node->store));
}

static void start(struct cluster *cluster, int at) {
    static const uint16_t members[] = {1, 2, 3};
    const bytes addresses[] = {
        BYTES_LITERAL("host:1"), BYTES_LITERAL("host:2"), BYTES_LITERAL("host:3")};
    struct cluster_node *node = &cluster->nodes[at];
    struct node_options options = {
        .store = node->store,
        .settings =
            {
                .group_count = CLUSTER_GROUPS,
                .server_name = BYTES_LITERAL("server"),
                .answer_tasks = cluster->answer_tasks,
            },
        .members = members,
        .member_count = (size_t)cluster->founders,
        .addresses = addresses,
        .joined = node->joined,
        .zone = bytes_from_text(node->zone == NULL ? "" : node->zone),
        .weight = node->weight,
        .self = node->id,
        .replicas = cluster->replicas,
        .incarnation = ++node->incarnation,
        .random_seed = 11 + (uint64_t)at + 100 * node->incarnation,
        .dead_after_ms = cluster->dead_after_ms,
        .release_low = 1,
        .release_high = release_of(cluster, at),
        .host = BYTES_LITERAL("host"),
        .version = BYTES_LITERAL("0.0.0"),
        .wall = {cluster->wall.ms + node->wall_ms},
        .mono = cluster->mono,
    };
    store_identity(node->store, options.store_id.bytes);
    memset(node->knows, 0, sizeof(node->knows));
    for (int i = 0; i < cluster->founders; i++) {
        node->knows[members[i]] = true;
    }
    node->effects = node_effects_create();
    node->node = node_create(&options);
    links_follow(cluster);
}

void cluster_open_store(struct cluster *cluster, int at) {
    open_store(cluster, at);
}

void cluster_start(struct cluster *cluster, int at) {
    open_store(cluster, at);
    start(cluster, at);
}

static void store_make(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    memory_faults_init(&node->faults, 3 + (uint64_t)at);
    node->disk = memory_disk_create(&node->faults);
    node->map = memory_map_create(&node->faults);
}

void cluster_wipe(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    memory_map_destroy(&node->map);
    memory_disk_destroy(&node->disk);
    node->wipes++;
    store_make(cluster, at);
}

void cluster_join(struct cluster *cluster, int at, int via) {
    struct cluster_node *node = &cluster->nodes[at];
    assert_int_equal(node->id, 0);
    store_make(cluster, at);
    open_store(cluster, at);
    id128 store_id;
    char text[ID_TEXT_BYTES + 1] = {0};
    char body[256];
    store_identity(node->store, store_id.bytes);
    id_format(store_id, text);
    (void
    )snprintf(body, sizeof(body), "{\"address\":\"host:%d\",\"storeId\":\"%s\"}", at + 1, text);
    assert_int_equal(cluster_ask(cluster, via, "POST", "/api/cluster/nodes", body), 200);
    bytes value = BYTES_EMPTY;
    int64_t id = 0;
    assert_true(json_get_text(bytes_from_text(cluster->body), "nodeId", &value));
    assert_true(json_i64(value, &id));
    assert_in_range(id, 1, CLUSTER_IDS_MAX - 1);
    node->id = (uint16_t)id;
    node->joined = true;
    start(cluster, at);
}

// What is under way between two nodes; -1: any.
static bool is_between(const struct cluster_message *message, int one, int other) {
    return (one < 0 || message->from == one || message->to == one) &&
           (other < 0 || message->from == other || message->to == other);
}

static void messages_drop(struct cluster *cluster, int one, int other) {
    struct cluster_message **at = &cluster->first;
    cluster->last = NULL;
    while (*at != NULL) {
        struct cluster_message *message = *at;
        if (is_between(message, one, other)) {
            *at = message->next;
            struct node_effect gone = {.body = message->body};
            node_effect_release(&gone);
            free(message);
        } else {
            cluster->last = message;
            at = &message->next;
        }
    }
}

static void stop(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    if (node->node != NULL) {
        node_destroy(&node->node);
        node_effects_destroy(&node->effects);
        store_close(&node->store);
        links_follow(cluster);
    }
}

void cluster_kill(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    stop(cluster, at);
    memory_disk_crash(node->disk);
    memory_map_crash(node->map);
}

void cluster_cut(struct cluster *cluster, int at, bool cut) {
    cluster->nodes[at].cut_off = cut;
    links_follow(cluster);
}

void cluster_leave(struct cluster *cluster, int at) {
    struct node_event event = {.kind = NODE_LEAVE};
    step(cluster, at, &event);
}

static int
setup(void **state, int founders, uint32_t replicas, int64_t dead_after_ms, uint32_t answer_tasks) {
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    assert_non_null(cluster);
    cluster->founders = founders;
    cluster->replicas = replicas;
    cluster->dead_after_ms = dead_after_ms;
    cluster->answer_tasks = answer_tasks;
    cluster->arena = arena_create(64 * 1024);
    cluster->wall.ms = 1700000000000;
    cluster->mono.ns = 1000000000;
    for (int at = 0; at < founders; at++) {
        cluster->nodes[at].id = (uint16_t)(at + 1);
        store_make(cluster, at);
        cluster_start(cluster, at);
    }
    cluster_run(cluster, 3000);
    *state = cluster;
    return 0;
}

int cluster_setup(void **state) {
    return setup(state, CLUSTER_NODES, 0, 0, 0);
}

int cluster_setup_single_copies(void **state) {
    return setup(state, CLUSTER_NODES, 1, 0, 0);
}

int cluster_setup_one(void **state) {
    return setup(state, 1, 0, 0, 0);
}

int cluster_setup_impatient(void **state) {
    return setup(state, CLUSTER_NODES, 0, 5000, 0);
}

int cluster_setup_told(void **state) {
    return setup(state, CLUSTER_NODES, 0, 0, 2);
}

int cluster_teardown(void **state) {
    struct cluster *cluster = *state;
    for (int at = 0; at < CLUSTER_NODES_MAX; at++) {
        if (cluster->nodes[at].id != 0) {
            stop(cluster, at);
            memory_map_destroy(&cluster->nodes[at].map);
            memory_disk_destroy(&cluster->nodes[at].disk);
        }
    }
    messages_drop(cluster, -1, -1);
    arena_destroy(&cluster->arena);
    free(cluster);
    return 0;
}

// --- running
// ----------------------------------------------------------------------------------------------

static void handed_note(struct cluster *cluster, bytes body) {
    static const char name[] = "\"workflowInstanceId\":\"";
    const size_t size = sizeof name - 1;
    for (size_t at = 0; at + size + ID_TEXT_BYTES <= body.size && !cluster->undelivered; at++) {
        if (memcmp(body.data + at, name, size) == 0) {
            assert_true(cluster->handed_count < CLUSTER_HANDED_MAX);
            char *handed = cluster->handed[cluster->handed_count++];
            memcpy(handed, body.data + at + size, ID_TEXT_BYTES);
            handed[ID_TEXT_BYTES] = 0;
        }
    }
}

static void answer_take(struct cluster *cluster, int at, const struct node_effect *effect) {
    if (effect->request_id == cluster->wanted) {
        assert_true(effect->body.size < sizeof(cluster->body));
        memset(cluster->body, 0, sizeof(cluster->body));
        if (effect->body.size > 0) {
            memcpy(cluster->body, effect->body.data, effect->body.size);
        }
        cluster->body_size = effect->body.size;
        cluster->more = effect->more;
        cluster->broken = false;
        cluster->total = effect->total;
        cluster->status = effect->status;
        cluster->stale = effect->stale;
        cluster->old_definitions = effect->old_definitions;
        cluster->answered = !effect->more;
        if (effect->more && !cluster->slow) {
            cluster_taken(cluster, at);
        }
    }
    if (effect->with_tasks) {
        struct node_event event = {
            .kind = cluster->undelivered ? NODE_GONE : NODE_DELIVERED,
            .request_id = effect->request_id,
        };
        handed_note(cluster, effect->body);
        step(cluster, at, &event);
    }
}

static void part_take(struct cluster *cluster, int at, const struct node_effect *effect) {
    if (effect->request_id != cluster->wanted) {
        return;
    }
    assert_true(cluster->more);
    assert_true(cluster->body_size + effect->body.size < sizeof(cluster->body));
    if (effect->body.size > 0) {
        memcpy(cluster->body + cluster->body_size, effect->body.data, effect->body.size);
    }
    cluster->body_size += effect->body.size;
    cluster->body[cluster->body_size] = 0;
    cluster->more = effect->more;
    cluster->broken = effect->broken;
    cluster->answered = !effect->more;
    if (effect->more && !cluster->slow) {
        cluster_taken(cluster, at);
    }
}

void cluster_taken(struct cluster *cluster, int at) {
    struct node_event event = {.kind = NODE_TAKEN, .request_id = cluster->wanted};
    step(cluster, at, &event);
}

void cluster_gone(struct cluster *cluster, int at, uint64_t request) {
    struct node_event event = {.kind = NODE_GONE, .request_id = request};
    step(cluster, at, &event);
}

static int place_of(const struct cluster *cluster, uint16_t id) {
    int at = 0;
    while (at < CLUSTER_NODES_MAX && cluster->nodes[at].id != id) {
        at++;
    }
    return at;
}

// A request as release 2 forwards it.
static void parts_unknown(struct node_effect *effect) {
    struct peer_forward forward;
    struct buffer message;
    bytes content = bytes_slice(effect->body, 1, effect->body.size);
    struct arena *arena = arena_create(4096);
    assert_ok(wire_decode(&peer_forward_record, content, arena, &forward));
    forward.parts = false;
    buffer_init(&message, LIMIT_PEER_MESSAGE_BYTES);
    peer_message_write(PEER_FORWARD, &peer_forward_record, &forward, &message);
    bytes changed = node_effect_keep(buffer_bytes(&message));
    buffer_deinit(&message);
    arena_destroy(&arena);
    node_effect_release(effect);
    effect->body = changed;
}

static void message_keep(struct cluster *cluster, int from, struct node_effect *effect) {
    cluster->confirmed += effect->body.data[0] == PEER_CONFIRMED;
    int to = place_of(cluster, effect->to);
    if (cluster->knows_no_parts && effect->body.data[0] == PEER_FORWARD) {
        parts_unknown(effect);
    }
    if (effect->body.data[0] == cluster->loses) {
        cluster->loses = 0;
        to = CLUSTER_NODES_MAX;
    }
    if (to == CLUSTER_NODES_MAX || !is_connected(cluster, from, to)) {
        node_effect_release(effect);
        return;
    }
    struct cluster_message *message = calloc(1, sizeof(*message));
    assert_non_null(message);
    *message = (struct cluster_message){.from = from, .to = to, .body = effect->body};
    if (cluster->last != NULL) {
        cluster->last->next = message;
    } else {
        cluster->first = message;
    }
    cluster->last = message;
}

static void call_take(struct cluster *cluster, int at, const struct node_effect *effect) {
    bytes headers = effect->call.headers;
    assert_true(headers.size < sizeof(cluster->call_headers));
    memset(cluster->call_headers, 0, sizeof(cluster->call_headers));
    memcpy(cluster->call_headers, headers.data, headers.size);
    cluster->call_at = at;
    cluster->call_id = effect->call_id;
    assert_true(cluster->calls < CLUSTER_HANDED_MAX);
    cluster->call_nodes[cluster->calls] = at;
    cluster->call_ids[cluster->calls++] = effect->call_id;
}

void cluster_called(struct cluster *cluster, int at, uint64_t call_id) {
    struct call_result result = {.outcome = CALL_ANSWERED, .status = 200};
    struct node_event event = {.kind = NODE_CALLED, .call_id = call_id, .called = &result};
    step(cluster, at, &event);
}

void cluster_evaluated(struct cluster *cluster, int at, uint64_t job, const char *json) {
    struct evaluation_result result = {.outcome = EVALUATION_UNAVAILABLE};
    if (json != NULL) {
        result = (struct evaluation_result){EVALUATION_DONE, bytes_from_text(json), BYTES_EMPTY};
    }
    struct node_event event = {.kind = NODE_EVALUATED, .job_id = job, .evaluated = &result};
    step(cluster, at, &event);
}

static void effects_take(struct cluster *cluster, int at) {
    struct node_effect effect;
    while (node_effects_take(cluster->nodes[at].effects, &effect)) {
        if (effect.kind == EFFECT_SEND) {
            message_keep(cluster, at, &effect);
            continue;
        }
        if (effect.kind == EFFECT_MEMBER) {
            assert_in_range(effect.to, 1, CLUSTER_IDS_MAX - 1);
            cluster->nodes[at].knows[effect.to] = effect.body.size > 0;
            links_follow(cluster);
        }
        if (effect.kind == EFFECT_VERSION) {
            cluster->nodes[at].version = effect.version;
        }
        if (effect.kind == EFFECT_CALL) {
            call_take(cluster, at, &effect);
        }
        if (effect.kind == EFFECT_EVALUATE) {
            cluster->script_at = at;
            cluster->script_job = effect.job_id;
            cluster->scripts++;
        }
        if (effect.kind == EFFECT_REPLY) {
            answer_take(cluster, at, &effect);
        }
        if (effect.kind == EFFECT_PART) {
            part_take(cluster, at, &effect);
        }
        node_effect_release(&effect);
    }
}

static void sync(struct cluster *cluster, int at) {
    struct store *store = cluster->nodes[at].store;
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        assert_ok(store_batch_write(batch));
        struct node_event event = {.kind = NODE_LOG_DONE, .lsn = store_batch_end(store, &batch)};
        step(cluster, at, &event);
    }
    struct store_checkpoint *checkpoint = store_checkpoint_begin(store, cluster->mono, false);
    if (checkpoint != NULL) {
        assert_ok(store_checkpoint_write(checkpoint));
        store_checkpoint_end(store, &checkpoint);
        struct node_event ended = {.kind = NODE_CHECKPOINT_DONE};
        step(cluster, at, &ended);
    }
}

static void deliver(struct cluster *cluster) {
    struct cluster_message *message = cluster->first;
    cluster->first = NULL;
    cluster->last = NULL;
    while (message != NULL) {
        struct cluster_message *next = message->next;
        struct node_event event = {
            .kind = NODE_PEER_MESSAGE,
            .peer = cluster->nodes[message->from].id,
            .message = message->body,
        };
        if (cluster->nodes[message->to].node != NULL &&
            is_connected(cluster, message->from, message->to)) {
            step(cluster, message->to, &event);
        }
        struct node_effect gone = {.body = message->body};
        node_effect_release(&gone);
        free(message);
        message = next;
    }
}

void cluster_run(struct cluster *cluster, int64_t ms) {
    for (int64_t passed = 0; passed < ms; passed++) {
        cluster->mono.ns += 1000000;
        cluster->wall.ms++;
        for (int at = 0; at < CLUSTER_NODES_MAX; at++) {
            if (cluster->nodes[at].node != NULL) {
                struct node_event event = {.kind = NODE_TICK};
                step(cluster, at, &event);
                effects_take(cluster, at);
                sync(cluster, at);
                effects_take(cluster, at);
            }
        }
        deliver(cluster);
    }
}

uint64_t cluster_send(
    struct cluster *cluster, int at, const char *method, const char *target, const char *body
) {
    return cluster_send_bytes(cluster, at, method, target, bytes_from_text(body));
}

uint64_t cluster_send_bytes(
    struct cluster *cluster, int at, const char *method, const char *target, bytes body
) {
    bytes whole = bytes_from_text(target);
    size_t end = bytes_find(whole, 0, '?');
    bytes segments[API_PATH_SEGMENTS_MAX];
    struct node_request request = {
        .method = bytes_from_text(method),
        .segments = segments,
        .body = body,
    };
    assert_ok(
        api_split_path(bytes_slice(whole, 0, end), cluster->arena, segments, &request.segment_count)
    );
    if (end < whole.size) {
        assert_ok(api_split_query(
            bytes_slice(whole, end + 1, whole.size), cluster->arena, &request.parameters
        ));
    }
    uint64_t id = ++cluster->next_request;
    struct node_event event = {.kind = NODE_REQUEST, .request_id = id, .request = &request};
    cluster->wanted = id;
    cluster->answered = false;
    step(cluster, at, &event);
    return id;
}

uint16_t cluster_wait(struct cluster *cluster, uint64_t request, int64_t within_ms) {
    assert_int_equal(cluster->wanted, request);
    for (int64_t passed = 0; passed < within_ms && !cluster->answered; passed++) {
        cluster_run(cluster, 1);
    }
    assert_true(cluster->answered);
    return cluster->status;
}

void cluster_disk(struct cluster *cluster, int at, uint32_t used_permille) {
    const struct disk_measure disk = {
        .used_bytes = used_permille * (uint64_t)1000,
        .free_bytes = (1000 - used_permille) * (uint64_t)1000,
    };
    struct node_event event = {.kind = NODE_DISK, .disk = &disk};
    step(cluster, at, &event);
}

uint16_t cluster_ask(
    struct cluster *cluster, int at, const char *method, const char *target, const char *body
) {
    return cluster_wait(cluster, cluster_send(cluster, at, method, target, body), 10000);
}
