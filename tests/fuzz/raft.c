// Any bytes as a raft frame. Two oracles: what message_take accepts comes back from its own
// encoding; and a node with three groups – one it has a vote in, one it leads and gives to another,
// one it knows nothing of – takes the frame, whatever it says, without an assertion: it follows,
// votes, rejects, refuses, forgets or begins a replica, and can go on afterwards.
#include "node/raft/raft.h"

#include "node/raft/message.h"
#include "proto/base/arena.h"
#include "proto/limits.h"
#include "storage/memory/memory.h"
#include "tests/fuzz/fuzz.h"

static void check_round_trip(bytes frame) {
    struct frame_header header;
    struct buffer again;
    bytes whole = frame;
    buffer_init(&again, SIZE_MAX);
    if (!err_is(message_take_header(&frame, &header))) {
        message_put_header(&again, &header);
        struct message message;
        bytes before = frame;
        while (frame.size > 0 && !err_is(message_take(&frame, &message))) {
            message_put(&again, &message);
            before = frame;
        }
        check(bytes_equal(buffer_bytes(&again), bytes_slice(whole, 0, whole.size - before.size)));
    }
    buffer_deinit(&again);
}

static void drain(struct raft *raft, struct store *store) {
    struct raft_event event;
    while (raft_take_event(raft, &event)) {
        check(event.group < 3);
        if (event.kind == RAFT_OUTSIDE) {
            raft_forget(raft, event.group, event.replica);
        }
    }
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    node_id to = 0;
    bool urgent = false;
    while (raft_take_frame(raft, &to, &urgent, &frame)) {
        check_round_trip(buffer_bytes(&frame));
    }
    buffer_deinit(&frame);
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        check(!err_is(store_batch_write(batch)));
        raft_log_durable(raft, store_batch_end(store, &batch));
    }
}

// The frame at a fresh node; then time, so that it stands for what it took up.
static void check_node(bytes input) {
    struct memory_faults faults;
    memory_faults_init(&faults, 1);
    struct disk *disk = memory_disk_create(&faults);
    struct sorted_map *map = memory_map_create(&faults);
    struct arena *arena = arena_create(4096);
    struct store_options options = {
        .disk = disk,
        .map = map,
        .group_count = 3,
        .lane_count = 1,
        .segment_bytes = 64 * 1024,
        .overlay_bytes_max = 1024 * 1024,
        .checkpoint_bytes = 1024 * 1024,
        .checkpoint_ms = 250,
        .random_seed = 1,
    };
    struct store *store = NULL;
    check(!err_is(store_open(&options, arena, &store)));
    struct raft_options raft_options = {
        .store = store, .self = 1, .group_count = 3, .random_seed = 1, .incarnation = 1};
    struct raft *raft = raft_create(&raft_options);
    struct raft_config config = {.voter_count = 3, .voters = {2, 1, 3}};
    struct raft_config alone = {
        .voter_count = 1, .voters = {1}, .learner_count = 1, .learners = {3}};
    raft_configure(raft, 0, &config);
    raft_configure(raft, 1, &alone);
    for (int64_t ms = 0; ms < 4; ms++) {
        raft_tick(raft, (mono_time){ms * 700000000});
        struct raft_target target = {.voter_count = 2, .voters = {1, 3}};
        (void)raft_want(raft, 1, &target);
        err error = raft_receive(raft, (node_id)(2 + ms % 2), input);
        check(!err_is(error) || error.code == ERR_INVALID);
        drain(raft, store);
        drain(raft, store);
    }
    raft_destroy(&raft);
    store_close(&store);
    arena_destroy(&arena);
    memory_map_destroy(&map);
    memory_disk_destroy(&disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    check_round_trip(bytes_of(input, size));
    check_node(bytes_of(input, size));
    return 0;
}
