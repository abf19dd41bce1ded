// Nothing here decides anything: it turns text into events and effects into fields.
#include "tests/unit/node_core/world.h"

#include <stdlib.h>
#include <string.h>

static void node_begin(struct world *world) {
    struct store_options options = {
        .disk = world->disk,
        .map = world->map,
        .group_count = 3,
        .lane_count = 1,
        .segment_bytes = 1024 * 1024,
        .overlay_bytes_max = 64 * 1024 * 1024,
        .checkpoint_bytes = 64 * 1024,
        .checkpoint_ms = 250,
        .random_seed = 5,
    };
    assert_ok(store_open(&options, world->arena, &world->store));
    struct node_options node = {
        .store = world->store,
        .settings =
            {
                .group_count = 3,
                .server_name = BYTES_LITERAL("server"),
                .answer_tasks = world->answer_tasks,
            },
        .calls_max = WORLD_CALLS,
        .random_seed = 11,
        .host = BYTES_LITERAL("host"),
        .version = BYTES_LITERAL("0.0.0"),
        .wall = world->wall,
        .mono = world->mono,
    };
    world->effects = node_effects_create();
    world->node = node_create(&node);
    world_sync(world);
}

static void node_end(struct world *world) {
    node_destroy(&world->node);
    node_effects_destroy(&world->effects);
    store_close(&world->store);
}

static int setup(void **state, uint32_t answer_tasks) {
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->answer_tasks = answer_tasks;
    memory_faults_init(&world->faults, 3);
    world->disk = memory_disk_create(&world->faults);
    world->map = memory_map_create(&world->faults);
    world->arena = arena_create(64 * 1024);
    world->wall.ms = 1700000000000;
    world->mono.ns = 1000000000;
    node_begin(world);
    *state = world;
    return 0;
}

int world_setup(void **state) {
    return setup(state, 0);
}

int world_setup_told(void **state) {
    return setup(state, 2);
}

int world_teardown(void **state) {
    struct world *world = *state;
    node_end(world);
    memory_map_destroy(&world->map);
    memory_disk_destroy(&world->disk);
    arena_destroy(&world->arena);
    free(world);
    return 0;
}

static void step(struct world *world, struct node_event *event) {
    event->mono = world->mono;
    event->wall = world->wall;
    node_step(world->node, event, world->effects);
}

uint64_t world_send(struct world *world, const char *method, const char *target, const char *body) {
    bytes whole = bytes_from_text(target);
    size_t end = bytes_find(whole, 0, '?');
    bytes segments[API_PATH_SEGMENTS_MAX];
    struct node_request request = {
        .method = bytes_from_text(method),
        .segments = segments,
        .body = bytes_from_text(body),
    };
    assert_ok(
        api_split_path(bytes_slice(whole, 0, end), world->arena, segments, &request.segment_count)
    );
    if (end < whole.size) {
        assert_ok(api_split_query(
            bytes_slice(whole, end + 1, whole.size), world->arena, &request.parameters
        ));
    }
    uint64_t id = ++world->next_request;
    struct node_event event = {.kind = NODE_REQUEST, .request_id = id, .request = &request};
    step(world, &event);
    return id;
}

static void script_note(struct world *world, struct node_effect *effect) {
    const struct evaluation *evaluation = &effect->evaluation;
    assert_true(evaluation->text.size < sizeof(world->script));
    assert_true(evaluation->input.size < sizeof(world->input));
    memset(world->script, 0, sizeof(world->script));
    memset(world->input, 0, sizeof(world->input));
    memcpy(world->script, evaluation->text.data, evaluation->text.size);
    memcpy(world->input, evaluation->input.data, evaluation->input.size);
    world->job_id = effect->job_id;
    world->evaluation_index = effect->evaluation_index;
    world->ahead = evaluation->ahead;
    world->scripts++;
    node_effect_release(effect);
}

void world_evaluated(struct world *world, enum evaluation_outcome outcome, const char *json) {
    bool done = outcome == EVALUATION_DONE;
    struct evaluation_result result = {
        .outcome = outcome,
        .json = done ? bytes_from_text(json) : BYTES_EMPTY,
        .error = done ? BYTES_EMPTY : bytes_from_text(json),
    };
    struct node_event event = {
        .kind = NODE_EVALUATED,
        .job_id = world->job_id,
        .evaluation_index = world->evaluation_index,
        .evaluated = &result,
    };
    world->job_id = 0;
    step(world, &event);
}

static void call_note(struct world *world, struct node_effect *effect) {
    const struct call *call = &effect->call;
    assert_true(call->uri.size < sizeof(world->call_uri));
    assert_true(call->headers.size < sizeof(world->call_headers));
    memset(world->call_uri, 0, sizeof(world->call_uri));
    memset(world->call_headers, 0, sizeof(world->call_headers));
    memcpy(world->call_uri, call->uri.data, call->uri.size);
    memcpy(world->call_headers, call->headers.data, call->headers.size);
    world->call_id = effect->call_id;
    world->calls++;
    node_effect_release(effect);
}

static void finding_note(struct world *world, struct node_effect *effect) {
    assert_true(effect->body.size < sizeof(world->finding));
    memset(world->finding, 0, sizeof(world->finding));
    memcpy(world->finding, effect->body.data, effect->body.size);
    node_effect_release(effect);
}

void world_called(struct world *world, uint64_t call_id, int32_t status, const char *body) {
    struct call_result result = {
        .outcome = CALL_ANSWERED,
        .status = status,
        .body = bytes_from_text(body),
    };
    struct node_event event = {.kind = NODE_CALLED, .call_id = call_id, .called = &result};
    step(world, &event);
}

bool world_receive(struct world *world) {
    struct node_effect effect;
    do {
        if (!node_effects_take(world->effects, &effect)) {
            return false;
        }
        if (effect.kind == EFFECT_EVALUATE) {
            script_note(world, &effect);
        } else if (effect.kind == EFFECT_CALL) {
            call_note(world, &effect);
        } else if (effect.kind == EFFECT_FINDING) {
            finding_note(world, &effect);
        }
    } while (effect.kind != EFFECT_REPLY && effect.kind != EFFECT_PART);
    size_t before = 0;
    if (effect.kind == EFFECT_PART) {
        assert_int_equal(effect.request_id, world->answered);
        before = strlen(world->body);
        effect.status = world->status;
    }
    assert_true(before + effect.body.size < sizeof(world->body));
    memset(world->body + before, 0, sizeof(world->body) - before);
    if (effect.body.size > 0) {
        memcpy(world->body + before, effect.body.data, effect.body.size);
    }
    world->more = effect.more;
    world->broken = effect.broken;
    world->answered = effect.request_id;
    world->status = effect.status;
    world->with_tasks = effect.with_tasks;
    world->allow = effect.allow;
    node_effect_release(&effect);
    return true;
}

void world_sync(struct world *world) {
    struct store_batch *batch = store_batch_begin(world->store);
    if (batch == NULL) {
        return;
    }
    assert_ok(store_batch_write(batch));
    struct node_event event = {
        .kind = NODE_LOG_DONE,
        .lsn = store_batch_end(world->store, &batch),
    };
    step(world, &event);
}

uint16_t world_ask(struct world *world, const char *method, const char *target, const char *body) {
    uint64_t id = world_send(world, method, target, body);
    for (int round = 0; round < 10; round++) {
        while (world_receive(world)) {
            if (world->answered == id) {
                return world->status;
            }
        }
        world_sync(world);
    }
    fail_msg("no answer to %s %s", method, target);
    return 0;
}

void world_tick(struct world *world, int64_t ms) {
    world->mono.ns += ms * 1000000;
    world->wall.ms += ms;
    world_tell(world, NODE_TICK, 0);
}

void world_tell(struct world *world, enum node_event_kind kind, uint64_t request_id) {
    struct node_event event = {.kind = kind, .request_id = request_id};
    step(world, &event);
}

void world_crash(struct world *world) {
    node_end(world);
    memory_disk_crash(world->disk);
    memory_map_crash(world->map);
    node_begin(world);
}

void world_define(struct world *world) {
    const char *task = "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":5}]";
    const char *workflow =
        "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/taskdefs", task), 200);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", workflow), 200);
}
