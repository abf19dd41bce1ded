// Fixed widths, texts with their size in front: written for every event of a busy server, so that
// each costs little more than the copy of its texts.
#include "node/core/event_record.h"

#include "proto/limits.h"

#include <string.h>

// --- writing
// ----------------------------------------------------------------------------------------------

static void put_u64(struct buffer *out, uint64_t value) {
    uint8_t *at = buffer_extend(out, sizeof(value));
    if (at != NULL) {
        bytes_put_u64(at, value);
    }
}

static void put_text(struct buffer *out, bytes text) {
    put_u64(out, text.data == NULL ? UINT64_MAX : text.size);
    buffer_append(out, text);
}

static void put_id(struct buffer *out, id128 id) {
    buffer_append(out, bytes_of(id.bytes, sizeof(id.bytes)));
}

static void request_write(const struct node_request *request, struct buffer *out) {
    put_text(out, request->method);
    put_u64(out, request->segment_count);
    for (size_t i = 0; i < request->segment_count; i++) {
        put_text(out, request->segments[i]);
    }
    put_u64(out, request->parameters.count);
    for (size_t i = 0; i < request->parameters.count; i++) {
        put_text(out, request->parameters.items[i].name);
        put_text(out, request->parameters.items[i].value);
    }
    put_text(out, request->body);
}

void event_record_write(const struct node_event *event, struct buffer *out) {
    buffer_append_byte(out, (uint8_t)event->kind);
    put_u64(out, (uint64_t)event->mono.ns);
    put_u64(out, (uint64_t)event->wall.ms);
    switch (event->kind) {
    case NODE_TICK:
    case NODE_CHECKPOINT_DONE:
    case NODE_LEAVE:
        break;
    case NODE_REQUEST:
        put_u64(out, event->request_id);
        request_write(event->request, out);
        break;
    case NODE_GONE:
    case NODE_DELIVERED:
    case NODE_TAKEN:
        put_u64(out, event->request_id);
        break;
    case NODE_LOG_DONE:
        put_u64(out, event->lsn);
        break;
    case NODE_EVALUATED:
        put_u64(out, event->job_id);
        put_u64(out, event->evaluation_index);
        put_u64(out, (uint64_t)event->evaluated->outcome);
        put_text(out, event->evaluated->json);
        put_text(out, event->evaluated->error);
        break;
    case NODE_CALLED:
        put_u64(out, event->call_id);
        put_u64(out, (uint64_t)event->called->outcome);
        put_u64(out, (uint64_t)event->called->status);
        put_text(out, event->called->headers);
        put_text(out, event->called->body);
        put_text(out, event->called->error);
        break;
    case NODE_PEER_UP:
    case NODE_PEER_DOWN:
    case NODE_PEER_MESSAGE:
    case NODE_HEARSAY:
        put_u64(out, event->peer);
        put_id(out, event->store_id);
        put_u64(out, event->release_low);
        put_u64(out, event->release_high);
        put_text(out, event->message);
        break;
    case NODE_DISK:
        put_u64(out, event->disk->used_bytes);
        put_u64(out, event->disk->free_bytes);
        put_u64(out, event->disk->ballast_bytes);
        put_u64(out, event->disk->ballast_held ? 1 : 0);
        break;
    }
}

void options_record_write(const struct node_options *options, struct buffer *out) {
    put_u64(out, options->settings.group_count);
    put_u64(out, options->settings.owner_email_mandatory ? 1 : 0);
    put_u64(out, options->settings.name_validation ? 1 : 0);
    put_text(out, options->settings.server_name);
    put_u64(out, options->calls_max);
    put_u64(out, (uint64_t)options->audit_rest_ms);
    put_u64(out, options->random_seed);
    put_u64(out, options->member_count);
    for (size_t i = 0; i < options->member_count; i++) {
        put_u64(out, options->members[i]);
        put_text(out, options->addresses == NULL ? BYTES_EMPTY : options->addresses[i]);
    }
    put_u64(out, options->joined ? 1 : 0);
    put_u64(out, options->self);
    put_id(out, options->cluster_id);
    put_u64(out, options->replicas);
    put_u64(out, options->clock_trusted ? 1 : 0);
    put_u64(out, options->incarnation);
    put_id(out, options->store_id);
    put_text(out, options->api_address);
    put_text(out, options->zone);
    put_u64(out, options->weight);
    put_u64(out, options->release_low);
    put_u64(out, options->release_high);
    put_u64(out, (uint64_t)options->dead_after_ms);
    put_text(out, options->host);
    put_text(out, options->version);
    put_u64(out, (uint64_t)options->wall.ms);
    put_u64(out, (uint64_t)options->mono.ns);
}

void groups_record_write(const struct store *store, uint32_t group_count, struct buffer *out) {
    for (uint32_t group = 0; group < group_count; group++) {
        struct store_group known = store_group(store, (group_id)group);
        put_u64(out, known.last_index);
        put_u64(out, known.last_chain.high);
        put_u64(out, known.last_chain.low);
    }
}

// --- reading
// ----------------------------------------------------------------------------------------------

struct reader {
    bytes rest;
    bool failed;
};

static bytes take(struct reader *reader, uint64_t size) {
    if (reader->failed || size > reader->rest.size) {
        reader->failed = true;
        return BYTES_EMPTY;
    }
    bytes taken = bytes_slice(reader->rest, 0, (size_t)size);
    reader->rest = bytes_slice(reader->rest, (size_t)size, reader->rest.size);
    return taken;
}

static uint64_t take_u64(struct reader *reader) {
    bytes taken = take(reader, sizeof(uint64_t));
    return taken.size == sizeof(uint64_t) ? bytes_get_u64(taken.data) : 0;
}

static bytes take_text(struct reader *reader) {
    uint64_t size = take_u64(reader);
    return size == UINT64_MAX ? BYTES_EMPTY : take(reader, size);
}

static id128 take_id(struct reader *reader) {
    id128 id = {{0}};
    bytes taken = take(reader, sizeof(id.bytes));
    if (taken.size == sizeof(id.bytes)) {
        memcpy(id.bytes, taken.data, sizeof(id.bytes));
    }
    return id;
}

// A number of things that take at least a byte each.
static size_t take_count(struct reader *reader) {
    uint64_t count = take_u64(reader);
    if (count > reader->rest.size) {
        reader->failed = true;
        return 0;
    }
    return (size_t)count;
}

static const struct node_request *request_read(struct reader *reader, struct arena *arena) {
    struct node_request *request = ARENA_NEW(arena, struct node_request);
    request->method = take_text(reader);
    request->segment_count = take_count(reader);
    bytes *segments = ARENA_ARRAY(arena, bytes, request->segment_count + 1);
    for (size_t i = 0; i < request->segment_count; i++) {
        segments[i] = take_text(reader);
    }
    size_t count = take_count(reader);
    struct api_parameter *parameters = ARENA_ARRAY(arena, struct api_parameter, count + 1);
    for (size_t i = 0; i < count; i++) {
        parameters[i].name = take_text(reader);
        parameters[i].value = take_text(reader);
    }
    request->segments = segments;
    request->parameters = (struct api_parameters){.items = parameters, .count = count};
    request->body = take_text(reader);
    return request;
}

static const struct evaluation_result *evaluated_read(struct reader *reader, struct arena *arena) {
    struct evaluation_result *result = ARENA_NEW(arena, struct evaluation_result);
    result->outcome = (enum evaluation_outcome)take_u64(reader);
    result->json = take_text(reader);
    result->error = take_text(reader);
    return result;
}

static const struct call_result *called_read(struct reader *reader, struct arena *arena) {
    struct call_result *result = ARENA_NEW(arena, struct call_result);
    result->outcome = (enum call_outcome)take_u64(reader);
    result->status = (int32_t)take_u64(reader);
    result->headers = take_text(reader);
    result->body = take_text(reader);
    result->error = take_text(reader);
    return result;
}

static const struct disk_measure *disk_read(struct reader *reader, struct arena *arena) {
    struct disk_measure *disk = ARENA_NEW(arena, struct disk_measure);
    disk->used_bytes = take_u64(reader);
    disk->free_bytes = take_u64(reader);
    disk->ballast_bytes = take_u64(reader);
    disk->ballast_held = take_u64(reader) != 0;
    return disk;
}

static void peer_read(struct reader *reader, struct node_event *event) {
    event->peer = (uint16_t)take_u64(reader);
    event->store_id = take_id(reader);
    event->release_low = (uint16_t)take_u64(reader);
    event->release_high = (uint16_t)take_u64(reader);
    event->message = take_text(reader);
}

static void content_read(struct reader *reader, struct arena *arena, struct node_event *event) {
    switch (event->kind) {
    case NODE_TICK:
    case NODE_CHECKPOINT_DONE:
    case NODE_LEAVE:
        break;
    case NODE_REQUEST:
        event->request_id = take_u64(reader);
        event->request = request_read(reader, arena);
        break;
    case NODE_GONE:
    case NODE_DELIVERED:
    case NODE_TAKEN:
        event->request_id = take_u64(reader);
        break;
    case NODE_LOG_DONE:
        event->lsn = take_u64(reader);
        break;
    case NODE_EVALUATED:
        event->job_id = take_u64(reader);
        event->evaluation_index = (uint32_t)take_u64(reader);
        event->evaluated = evaluated_read(reader, arena);
        break;
    case NODE_CALLED:
        event->call_id = take_u64(reader);
        event->called = called_read(reader, arena);
        break;
    case NODE_PEER_UP:
    case NODE_PEER_DOWN:
    case NODE_PEER_MESSAGE:
    case NODE_HEARSAY:
        peer_read(reader, event);
        break;
    case NODE_DISK:
        event->disk = disk_read(reader, arena);
        break;
    }
}

err event_record_read(bytes record, struct arena *arena, struct node_event *out_event) {
    struct reader reader = {.rest = record};
    bytes kind = take(&reader, 1);
    if (kind.size == 0 || kind.data[0] > NODE_LEAVE) {
        return err_make(ERR_CORRUPT, "an event of no known kind");
    }
    struct node_event event = {.kind = (enum node_event_kind)kind.data[0]};
    event.mono.ns = (int64_t)take_u64(&reader);
    event.wall.ms = (int64_t)take_u64(&reader);
    content_read(&reader, arena, &event);
    if (reader.failed || reader.rest.size > 0) {
        return err_make(ERR_CORRUPT, "an event that ends early or late");
    }
    *out_event = event;
    return ERR_NONE;
}

err options_record_read(bytes record, struct arena *arena, struct node_options *out_options) {
    struct reader reader = {.rest = record};
    struct node_options options = {0};
    options.settings.group_count = (uint32_t)take_u64(&reader);
    options.settings.owner_email_mandatory = take_u64(&reader) != 0;
    options.settings.name_validation = take_u64(&reader) != 0;
    options.settings.server_name = take_text(&reader);
    options.calls_max = (uint32_t)take_u64(&reader);
    options.audit_rest_ms = (int64_t)take_u64(&reader);
    options.random_seed = take_u64(&reader);
    options.member_count = take_count(&reader);
    uint16_t *members = ARENA_ARRAY(arena, uint16_t, options.member_count + 1);
    bytes *addresses = ARENA_ARRAY(arena, bytes, options.member_count + 1);
    for (size_t i = 0; i < options.member_count; i++) {
        members[i] = (uint16_t)take_u64(&reader);
        addresses[i] = take_text(&reader);
    }
    options.members = members;
    options.addresses = addresses;
    options.joined = take_u64(&reader) != 0;
    options.self = (uint16_t)take_u64(&reader);
    options.cluster_id = take_id(&reader);
    options.replicas = (uint32_t)take_u64(&reader);
    options.clock_trusted = take_u64(&reader) != 0;
    options.incarnation = take_u64(&reader);
    options.store_id = take_id(&reader);
    options.api_address = take_text(&reader);
    options.zone = take_text(&reader);
    options.weight = (uint32_t)take_u64(&reader);
    options.release_low = (uint16_t)take_u64(&reader);
    options.release_high = (uint16_t)take_u64(&reader);
    options.dead_after_ms = (int64_t)take_u64(&reader);
    options.host = take_text(&reader);
    options.version = take_text(&reader);
    options.wall.ms = (int64_t)take_u64(&reader);
    options.mono.ns = (int64_t)take_u64(&reader);
    if (reader.failed || reader.rest.size > 0) {
        return err_make(ERR_CORRUPT, "options that end early or late");
    }
    *out_options = options;
    return ERR_NONE;
}

const char *node_event_name(enum node_event_kind kind) {
    static const char *const names[] = {
        [NODE_TICK] = "tick",
        [NODE_REQUEST] = "request",
        [NODE_GONE] = "gone",
        [NODE_DELIVERED] = "delivered",
        [NODE_TAKEN] = "taken",
        [NODE_LOG_DONE] = "log-done",
        [NODE_CHECKPOINT_DONE] = "checkpoint-done",
        [NODE_EVALUATED] = "evaluated",
        [NODE_CALLED] = "called",
        [NODE_PEER_UP] = "peer-up",
        [NODE_PEER_DOWN] = "peer-down",
        [NODE_PEER_MESSAGE] = "peer-message",
        [NODE_HEARSAY] = "hearsay",
        [NODE_DISK] = "disk",
        [NODE_LEAVE] = "leave",
    };
    return names[kind];
}
