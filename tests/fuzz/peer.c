// What another node says to the core, behind the seals: any bytes, in any order, from any member.
// No client is answered twice, or without having asked, and nothing ends the process.
//
// The input is a row of messages: who says it (one byte), how long it is (two), the bytes. Copies
// are one a group, so this node leads some of them. Clients wait here meanwhile: with a poll, with
// a request for each other node, with a list that all nodes have a part of.
#include "node/core/node.h"
#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "tests/fuzz/fuzz.h"

enum {
    GROUPS = 5,
    MESSAGES_MAX = 64,
    HEAD_BYTES = 3,
    CLIENTS = 12
};

struct place_of_work {
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct arena *arena;
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    mono_time mono;
    int answers[CLIENTS + 1]; // by request
    bool more[CLIENTS + 1];   // of it is to come
};

static void step(struct place_of_work *work, struct node_event *event) {
    work->mono.ns += 1000000;
    event->mono = work->mono;
    event->wall = (wall_time){1700000000000 + work->mono.ns / 1000000};
    node_step(work->node, event, work->effects);
    struct node_effect effect;
    while (node_effects_take(work->effects, &effect)) {
        if (effect.kind == EFFECT_REPLY) {
            check(effect.request_id >= 1 && effect.request_id <= CLIENTS);
            check(work->answers[effect.request_id]++ == 0);
            work->more[effect.request_id] = effect.more;
        } else if (effect.kind == EFFECT_PART) {
            check(effect.request_id >= 1 && effect.request_id <= CLIENTS);
            check(work->more[effect.request_id]); // it was begun and has not ended
            work->more[effect.request_id] = effect.more;
        }
        node_effect_release(&effect);
    }
}

static void readers_read(struct place_of_work *work) {
    for (uint64_t id = 1; id <= CLIENTS; id++) {
        struct node_event taken = {.kind = NODE_TAKEN, .request_id = id};
        if (work->more[id]) {
            step(work, &taken);
        }
    }
}

static void sync_log(struct place_of_work *work) {
    struct store_batch *batch = store_batch_begin(work->store);
    if (batch != NULL) {
        check(!err_is(store_batch_write(batch)));
        struct node_event event = {
            .kind = NODE_LOG_DONE,
            .lsn = store_batch_end(work->store, &batch),
        };
        step(work, &event);
    }
}

static void ask(struct place_of_work *work, uint64_t id, const bytes *segments, size_t count) {
    struct api_parameter timeout = {BYTES_LITERAL("timeout"), BYTES_LITERAL("5000")};
    struct node_request request = {
        .method = BYTES_LITERAL("GET"),
        .segments = segments,
        .segment_count = count,
        .parameters = {.items = &timeout, .count = 1},
    };
    struct node_event event = {.kind = NODE_REQUEST, .request_id = id, .request = &request};
    step(work, &event);
}

// Executions of every partition: most are led by other nodes, which are asked.
static void clients_ask(struct place_of_work *work) {
    const bytes poll[] = {
        BYTES_LITERAL("api"),
        BYTES_LITERAL("tasks"),
        BYTES_LITERAL("poll"),
        BYTES_LITERAL("batch"),
        BYTES_LITERAL("a")};
    const bytes list[] = {
        BYTES_LITERAL("api"), BYTES_LITERAL("tasks"), BYTES_LITERAL("queue"), BYTES_LITERAL("all")};
    ask(work, 1, poll, sizeof(poll) / sizeof(poll[0]));
    ask(work, 2, poll, sizeof(poll) / sizeof(poll[0]));
    ask(work, 3, list, sizeof(list) / sizeof(list[0]));
    ask(work, 4, list, sizeof(list) / sizeof(list[0]));
    for (uint64_t id = 5; id <= CLIENTS; id++) {
        char name[2] = {(char)('a' + id), 0};
        const bytes workflow[] = {
            BYTES_LITERAL("api"), BYTES_LITERAL("workflow"), bytes_from_text(name)};
        ask(work, id, workflow, sizeof(workflow) / sizeof(workflow[0]));
    }
}

static void begin(struct place_of_work *work) {
    static const uint16_t members[] = {1, 2, 3};
    memory_faults_init(&work->faults, 1);
    work->disk = memory_disk_create(&work->faults);
    work->map = memory_map_create(&work->faults);
    work->arena = arena_create(4096);
    work->mono.ns = 1000000000;
    struct store_options store = {
        .disk = work->disk,
        .map = work->map,
        .group_count = GROUPS,
        .lane_count = 1,
        .segment_bytes = 256 * 1024,
        .overlay_bytes_max = 16 * 1024 * 1024,
        .checkpoint_bytes = 64 * 1024,
        .checkpoint_ms = 250,
        .random_seed = 5,
    };
    check(!err_is(store_open(&store, work->arena, &work->store)));
    struct node_options node = {
        .store = work->store,
        .settings = {.group_count = GROUPS, .server_name = BYTES_LITERAL("server")},
        .members = members,
        .member_count = 3,
        .self = 1,
        .replicas = 1,
        .incarnation = 1,
        .random_seed = 7,
        .host = BYTES_LITERAL("host"),
        .version = BYTES_LITERAL("0.0.0"),
        .wall = {1700000000000},
        .mono = work->mono,
    };
    work->effects = node_effects_create();
    work->node = node_create(&node);
    for (uint16_t peer = 2; peer <= 3; peer++) {
        struct node_event up = {.kind = NODE_PEER_UP, .peer = peer};
        step(work, &up);
    }
    sync_log(work);
    struct node_event leads = {.kind = NODE_TICK};
    step(work, &leads);
    clients_ask(work);
}

static void end(struct place_of_work *work) {
    node_destroy(&work->node);
    node_effects_destroy(&work->effects);
    store_close(&work->store);
    memory_map_destroy(&work->map);
    memory_disk_destroy(&work->disk);
    arena_destroy(&work->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct place_of_work work = {0};
    begin(&work);
    bytes rest = bytes_of(data, size);
    for (int i = 0; i < MESSAGES_MAX && rest.size > HEAD_BYTES; i++) {
        size_t wanted = (size_t)rest.data[1] << 8 | rest.data[2];
        size_t end_at = HEAD_BYTES + wanted < rest.size ? HEAD_BYTES + wanted : rest.size;
        struct node_event said = {
            .kind = NODE_PEER_MESSAGE,
            .peer = (uint16_t)(rest.data[0] % 5),
            .message = bytes_slice(rest, HEAD_BYTES, end_at),
        };
        step(&work, &said);
        sync_log(&work);
        readers_read(&work);
        rest = bytes_slice(rest, end_at, rest.size);
    }
    struct node_event tick = {.kind = NODE_TICK};
    step(&work, &tick);
    end(&work);
    return 0;
}
