// What agreement costs: three nodes in one thread, 65 groups with their leaders spread, entries of
// 1.7 kB, a network without time. Frames and CPU an entry by how many entries a turn brings; what
// an idle second costs; what a group of one voter pays. Disk and map are the twins: of the store
// only the core thread's share is in the figures.
//
// usage: bench_raft_entries
#include "node/raft/raft.h"
#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "storage/memory/memory.h"

#include <stdio.h>
#include <time.h>

enum {
    NODES = 3,
    GROUPS = 65,
    ENTRIES = 20000,
    VALUE_BYTES = 1650,
    IDLE_MS = 10000
};

struct node {
    node_id id;
    struct memory_faults faults;
    struct store *store;
    struct raft *raft;
    double cpu_us; // inside raft
};

struct bench {
    struct node nodes[NODES + 1];
    mono_time now;
    struct buffer frame;
    int64_t partition_ms;
};

static double now_us(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

// The clock itself costs a system call: what an empty section measures.
static double clock_us(void) {
    double begin = now_us();
    for (int i = 0; i < 100000; i++) {
        (void)now_us();
    }
    return (now_us() - begin) / 100000;
}

static void open_node(struct bench *bench, node_id id, uint32_t voter_count) {
    struct node *node = &bench->nodes[id];
    node->id = id;
    memory_faults_init(&node->faults, id);
    struct store_options options = {
        .disk = memory_disk_create(&node->faults),
        .map = memory_map_create(&node->faults),
        .group_count = GROUPS,
        .lane_count = 1,
        .segment_bytes = 64 * 1024 * 1024,
        .overlay_bytes_max = (size_t)1024 * 1024 * 1024,
        .checkpoint_bytes = (size_t)1024 * 1024 * 1024,
        .checkpoint_ms = 3600 * 1000,
        .random_seed = id,
    };
    struct arena *arena = arena_create(4096);
    check(!err_is(store_open(&options, arena, &node->store)));
    arena_destroy(&arena);
    struct raft_options raft = {
        .store = node->store,
        .self = id,
        .group_count = GROUPS,
        .random_seed = id,
        .incarnation = 1};
    node->raft = raft_create(&raft);
    for (uint32_t i = 0; i < GROUPS; i++) {
        struct raft_config config = {.voter_count = voter_count};
        for (uint32_t k = 0; k < voter_count; k++) {
            config.voters[k] = voter_count == 1 ? id : (node_id)(1 + (i + k) % NODES);
        }
        raft_configure(node->raft, (group_id)i, &config);
    }
}

static void take_events(struct node *node) {
    struct raft_event event;
    while (raft_take_event(node->raft, &event)) {
    }
}

// Frames go over until nobody has one. True: some did.
static bool exchange(struct bench *bench) {
    bool any = false;
    bool more = true;
    while (more) {
        more = false;
        for (node_id id = 1; id <= NODES; id++) {
            struct node *node = &bench->nodes[id];
            node_id to = 0;
            bool urgent = false;
            double begin = now_us();
            take_events(node);
            while (raft_take_frame(node->raft, &to, &urgent, &bench->frame)) {
                double taken = now_us();
                node->cpu_us += taken - begin;
                struct node *other = &bench->nodes[to];
                check(!err_is(raft_receive(other->raft, id, buffer_bytes(&bench->frame))));
                take_events(other);
                begin = now_us();
                other->cpu_us += begin - taken;
                more = true;
            }
            node->cpu_us += now_us() - begin;
        }
        any = any || more;
    }
    return any;
}

static bool sync_all(struct bench *bench) {
    bool any = false;
    for (node_id id = 1; id <= NODES; id++) {
        struct node *node = &bench->nodes[id];
        struct store_batch *batch = node->store == NULL ? NULL : store_batch_begin(node->store);
        if (batch != NULL) {
            check(!err_is(store_batch_write(batch)));
            log_lsn lsn = store_batch_end(node->store, &batch);
            double begin = now_us();
            raft_log_durable(node->raft, lsn);
            take_events(node);
            node->cpu_us += now_us() - begin;
            any = true;
        }
    }
    return any;
}

static void settle(struct bench *bench) {
    bool busy = true;
    while (busy) {
        busy = exchange(bench);
        busy = sync_all(bench) || busy;
    }
}

static void pass(struct bench *bench, int64_t ms) {
    for (int64_t i = 0; i < ms; i += 10) {
        bench->now.ns += 10 * 1000000;
        for (node_id id = 1; id <= NODES; id++) {
            double begin = now_us();
            raft_tick(bench->nodes[id].raft, bench->now);
            bench->nodes[id].cpu_us += now_us() - begin;
        }
        settle(bench);
    }
}

static void propose(struct bench *bench, struct node *node, group_id group) {
    static const uint8_t value[VALUE_BYTES];
    struct store_txn *txn = NULL;
    check(!err_is(store_txn_begin(node->store, group, &txn)));
    uint8_t key[9] = {'k'};
    bytes_put_u64(key + 1, (uint64_t)bench->partition_ms);
    store_txn_put(txn, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)));
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, raft_term(node->raft, group), ++bench->partition_ms, &index, &lsn);
    double begin = now_us();
    raft_proposed(node->raft, group, index, lsn);
    node->cpu_us += now_us() - begin;
}

struct figures {
    double cpu_us;
    uint64_t frames;
    uint64_t bytes;
};

static struct figures figures_of(const struct bench *bench) {
    struct figures figures = {0};
    for (node_id id = 1; id <= NODES; id++) {
        struct raft_stats stats = raft_stats(bench->nodes[id].raft);
        figures.cpu_us += bench->nodes[id].cpu_us;
        figures.frames += stats.frames_sent;
        figures.bytes += stats.bytes_sent;
    }
    return figures;
}

static void measure_three(struct bench *bench, int per_turn) {
    struct figures before = figures_of(bench);
    for (int done = 0; done < ENTRIES; done += per_turn) {
        for (int i = 0; i < per_turn; i++) {
            group_id group = (group_id)((done + i) % GROUPS);
            struct node *leader = &bench->nodes[raft_leader(bench->nodes[1].raft, group)];
            propose(bench, leader, group);
        }
        settle(bench);
        bench->now.ns += 1000000;
        for (node_id id = 1; id <= NODES; id++) {
            raft_tick(bench->nodes[id].raft, bench->now);
        }
    }
    struct figures after = figures_of(bench);
    printf(
        "%4d entries a turn: %5.2f us, %5.2f frames, %5.0f bytes an entry, all three nodes\n",
        per_turn,
        (after.cpu_us - before.cpu_us) / ENTRIES,
        (double)(after.frames - before.frames) / ENTRIES,
        (double)(after.bytes - before.bytes) / ENTRIES
    );
}

static void measure_idle(struct bench *bench) {
    pass(bench, 2000);
    struct figures before = figures_of(bench);
    pass(bench, IDLE_MS);
    struct figures after = figures_of(bench);
    printf(
        "idle: %.2f frames a second and pair, %.0f bytes each, %.0f us of CPU a second and node\n",
        (double)(after.frames - before.frames) * 1000 / IDLE_MS / (NODES * (NODES - 1) / 2.0),
        (double)(after.bytes - before.bytes) / (double)(after.frames - before.frames),
        (after.cpu_us - before.cpu_us) * 1000 / IDLE_MS / NODES
    );
}

static void measure_alone(void) {
    static struct bench alone;
    open_node(&alone, 1, 1);
    take_events(&alone.nodes[1]);
    for (int done = 0; done < ENTRIES; done += 16) {
        for (int i = 0; i < 16; i++) {
            propose(&alone, &alone.nodes[1], (group_id)((done + i) % GROUPS));
        }
        (void)sync_all(&alone);
    }
    printf("one voter: %.3f us an entry\n", alone.nodes[1].cpu_us / ENTRIES - clock_us() * 17 / 16);
}

int main(void) {
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    static struct bench bench;
    buffer_init(&bench.frame, LIMIT_RAFT_FRAME_BYTES);
    for (node_id id = 1; id <= NODES; id++) {
        open_node(&bench, id, NODES);
    }
    pass(&bench, 3000);
    static const int turns[] = {1, 4, 16, 64, 256};
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        measure_three(&bench, turns[i]);
    }
    measure_idle(&bench);
    measure_alone();
    return 0; // what was made ends with the process
}
