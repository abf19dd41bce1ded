#include "tests/unit/node_core/cluster.h"

#include <stdlib.h>
#include <string.h>

static void step(struct cluster *cluster, int at, struct node_event *event) {
    event->mono = cluster->mono;
    event->wall = cluster->wall;
    node_step(cluster->nodes[at].node, event, cluster->nodes[at].effects);
}

static bool is_connected(const struct cluster *cluster, int one, int other) {
    const struct cluster_node *left = &cluster->nodes[one];
    const struct cluster_node *right = &cluster->nodes[other];
    return one != other && left->node != NULL && right->node != NULL && !left->cut_off &&
           !right->cut_off;
}

static void tell_peer(struct cluster *cluster, int at, int peer, bool up) {
    struct node_event event = {
        .kind = up ? NODE_PEER_UP : NODE_PEER_DOWN,
        .peer = (uint16_t)(peer + 1),
    };
    step(cluster, at, &event);
}

// --- life
// -------------------------------------------------------------------------------------------------

void cluster_start(struct cluster *cluster, int at) {
    static const uint16_t members[CLUSTER_NODES] = {1, 2, 3};
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
        .random_seed = 5 + (uint64_t)at,
    };
    assert_ok(store_open(&store, cluster->arena, &node->store));
    struct node_options options = {
        .store = node->store,
        .settings = {.group_count = CLUSTER_GROUPS, .server_name = BYTES_LITERAL("server")},
        .members = members,
        .member_count = CLUSTER_NODES,
        .self = (uint16_t)(at + 1),
        .replicas = cluster->replicas,
        .incarnation = ++node->incarnation,
        .random_seed = 11 + (uint64_t)at + 100 * node->incarnation,
        .host = BYTES_LITERAL("host"),
        .version = BYTES_LITERAL("0.0.0"),
        .wall = cluster->wall,
        .mono = cluster->mono,
    };
    node->effects = node_effects_create();
    node->node = node_create(&options);
    for (int peer = 0; peer < CLUSTER_NODES; peer++) {
        if (is_connected(cluster, at, peer)) {
            tell_peer(cluster, at, peer, true);
            tell_peer(cluster, peer, at, true);
        }
    }
}

static void messages_drop(struct cluster *cluster, int of) {
    struct cluster_message **at = &cluster->first;
    cluster->last = NULL;
    while (*at != NULL) {
        struct cluster_message *message = *at;
        if (of < 0 || message->from == of || message->to == of) {
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
        messages_drop(cluster, at);
        node_destroy(&node->node);
        node_effects_destroy(&node->effects);
        store_close(&node->store);
    }
}

void cluster_kill(struct cluster *cluster, int at) {
    struct cluster_node *node = &cluster->nodes[at];
    stop(cluster, at);
    memory_disk_crash(node->disk);
    memory_map_crash(node->map);
    for (int peer = 0; peer < CLUSTER_NODES; peer++) {
        if (cluster->nodes[peer].node != NULL) {
            tell_peer(cluster, peer, at, false);
        }
    }
}

void cluster_cut(struct cluster *cluster, int at, bool cut) {
    messages_drop(cluster, at);
    cluster->nodes[at].cut_off = cut;
    for (int peer = 0; peer < CLUSTER_NODES; peer++) {
        if (peer != at && cluster->nodes[peer].node != NULL) {
            tell_peer(cluster, peer, at, !cut);
            tell_peer(cluster, at, peer, !cut);
        }
    }
}

static int setup(void **state, uint32_t replicas) {
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    assert_non_null(cluster);
    cluster->replicas = replicas;
    cluster->arena = arena_create(64 * 1024);
    cluster->wall.ms = 1700000000000;
    cluster->mono.ns = 1000000000;
    for (int at = 0; at < CLUSTER_NODES; at++) {
        struct cluster_node *node = &cluster->nodes[at];
        memory_faults_init(&node->faults, 3 + (uint64_t)at);
        node->disk = memory_disk_create(&node->faults);
        node->map = memory_map_create(&node->faults);
        cluster_start(cluster, at);
    }
    cluster_run(cluster, 3000);
    *state = cluster;
    return 0;
}

int cluster_setup(void **state) {
    return setup(state, 0);
}

int cluster_setup_single_copies(void **state) {
    return setup(state, 1);
}

int cluster_teardown(void **state) {
    struct cluster *cluster = *state;
    for (int at = 0; at < CLUSTER_NODES; at++) {
        stop(cluster, at);
        memory_map_destroy(&cluster->nodes[at].map);
        memory_disk_destroy(&cluster->nodes[at].disk);
    }
    messages_drop(cluster, -1);
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
        cluster->status = effect->status;
        cluster->stale = effect->stale;
        cluster->old_definitions = effect->old_definitions;
        cluster->answered = true;
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

static void message_keep(struct cluster *cluster, int from, struct node_effect *effect) {
    int to = effect->to - 1;
    if (!is_connected(cluster, from, to)) {
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

static void effects_take(struct cluster *cluster, int at) {
    struct node_effect effect;
    while (node_effects_take(cluster->nodes[at].effects, &effect)) {
        if (effect.kind == EFFECT_SEND) {
            message_keep(cluster, at, &effect);
            continue;
        }
        if (effect.kind == EFFECT_CALL) {
            call_take(cluster, at, &effect);
        }
        if (effect.kind == EFFECT_REPLY) {
            answer_take(cluster, at, &effect);
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
            .peer = (uint16_t)(message->from + 1),
            .message = message->body,
        };
        if (cluster->nodes[message->to].node != NULL) {
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
        for (int at = 0; at < CLUSTER_NODES; at++) {
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
    bytes whole = bytes_from_text(target);
    size_t end = bytes_find(whole, 0, '?');
    bytes segments[API_PATH_SEGMENTS_MAX];
    struct node_request request = {
        .method = bytes_from_text(method),
        .segments = segments,
        .body = bytes_from_text(body),
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

uint16_t cluster_ask(
    struct cluster *cluster, int at, const char *method, const char *target, const char *body
) {
    return cluster_wait(cluster, cluster_send(cluster, at, method, target, body), 10000);
}
