#include "node/shell/join.h"

#include "node/call/fetch.h"
#include "node/shell/shell.h"
#include "proto/json/json.h"

#include <string.h>
#include <time.h>

enum {
    QUESTION_BYTES_MAX = 4096
};

// --- words
// -------------------------------------------------------------------------------------------

void join_question(const struct config *config, id128 store_id, struct buffer *out) {
    char store[ID_TEXT_BYTES];
    id_format(store_id, store);
    struct json_writer writer = json_writer(out);
    json_object_begin(&writer);
    json_member_text(&writer, "address", bytes_from_text(config->cluster_address));
    json_member_text(&writer, "apiAddress", bytes_from_text(config_api_address(config)));
    json_member_text(&writer, "zone", bytes_from_text(config->zone));
    json_member_int(&writer, "weight", config->weight);
    json_member_text(&writer, "storeId", bytes_of(store, sizeof(store)));
    json_member_int(&writer, "releaseLow", SHELL_RELEASE_LOW);
    json_member_int(&writer, "releaseHigh", SHELL_RELEASE_HIGH);
    json_object_end(&writer);
}

static bool number_of(bytes object, const char *key, int64_t least, int64_t most, int64_t *out) {
    bytes value = BYTES_EMPTY;
    return json_get_text(object, key, &value) && json_i64(value, out) && *out >= least &&
           *out <= most;
}

static bool text_of(bytes object, const char *key, struct arena *arena, bytes *out_text) {
    bytes value = BYTES_EMPTY;
    bool found = json_get_text(object, key, &value) && json_is_string(value);
    *out_text = found ? json_string(value, arena) : BYTES_EMPTY;
    return found;
}

static bool members_of(bytes root, struct arena *arena, struct identity_list *out_list) {
    bytes members = BYTES_EMPTY;
    bytes member = BYTES_EMPTY;
    if (!json_get_text(root, "members", &members) || !json_is_array(members)) {
        return false;
    }
    struct json_iter iter = json_iter(members);
    while (json_next_element(&iter, &member)) {
        int64_t node = 0;
        bytes address = BYTES_EMPTY;
        if (!number_of(member, "nodeId", 1, UINT16_MAX, &node) ||
            !text_of(member, "address", arena, &address) ||
            !identity_list_put(out_list, (uint16_t)node, address)) {
            return false;
        }
    }
    return out_list->count > 0;
}

err join_answer(bytes answer, struct arena *arena, struct identity *identity) {
    struct identity admitted = *identity;
    bytes root = BYTES_EMPTY;
    bytes cluster = BYTES_EMPTY;
    int64_t node = 0;
    int64_t partitions = 0;
    int64_t replicas = 0;
    TRY(json_validate(answer, arena, &root));
    if (!text_of(root, "clusterId", arena, &cluster) || !id_parse(cluster, &admitted.cluster_id) ||
        !number_of(root, "nodeId", 1, UINT16_MAX, &node) ||
        !number_of(root, "partitions", 1, UINT16_MAX, &partitions) ||
        !number_of(root, "replicas", 1, LIMIT_NODES, &replicas) ||
        !members_of(root, arena, &admitted.first)) {
        return err_make(ERR_INVALID, "this is not how Orpheus admits a node");
    }
    admitted.state = IDENTITY_ADMITTED;
    admitted.joined = true;
    admitted.node = (uint16_t)node;
    admitted.partitions = (uint32_t)partitions;
    admitted.replicas = (uint32_t)replicas;
    admitted.known = admitted.first;
    *identity = admitted;
    return ERR_NONE;
}

// --- asking
// ------------------------------------------------------------------------------------------

// The `index`-th of a list with commas, round and round.
static bytes nth_of(bytes list, size_t index) {
    size_t count = 1;
    for (size_t at = 0; at < list.size; at++) {
        count += list.data[at] == ',';
    }
    for (index %= count; index > 0; index--) {
        size_t comma = bytes_find(list, 0, ',');
        list = bytes_slice(list, comma + 1, list.size);
    }
    return bytes_trim(bytes_slice(list, 0, bytes_find(list, 0, ',')));
}

static bytes message_of(bytes body, struct arena *arena) {
    bytes root = BYTES_EMPTY;
    bytes message = BYTES_EMPTY;
    if (err_is(json_validate(body, arena, &root)) || !text_of(root, "message", arena, &message)) {
        return body;
    }
    return message;
}

// Whether the same question may be answered otherwise later.
static bool is_passing(int32_t status) {
    return status >= 500 || status == 408 || status == 429;
}

// One question to one node. True: it is decided, `*out_done` says how; else `*out_why` says what
// keeps us waiting.
static bool
ask(const struct config *config,
    bytes server,
    struct arena *arena,
    struct identity *identity,
    err *out_done,
    bytes *out_why) {
    struct buffer body;
    buffer_init(&body, QUESTION_BYTES_MAX);
    join_question(config, identity->store_id, &body);
    const char *uri = arena_format(arena, "http://%.*s/api/cluster/nodes", BYTES_ARG(server));
    struct call call = {
        .method = BYTES_LITERAL("POST"),
        .uri = bytes_from_text(uri),
        .headers = BYTES_LITERAL("Content-Type: application/json\n"),
        .body = buffer_bytes(&body),
        .has_body = true,
        .connect_ms = LIMIT_STATUS_MS,
        .silence_ms = LIMIT_STATUS_MS,
        .total_ms = LIMIT_STATUS_MS,
    };
    struct call_result result = {.outcome = CALL_FAILED};
    err made = fetch(&call, arena, &result);
    buffer_deinit(&body);
    bool answered = !err_is(made) && result.outcome == CALL_ANSWERED;
    bytes said = answered ? message_of(result.body, arena) : result.error;
    *out_why = err_is(made) ? bytes_from_text(made.text) : said;
    if (err_is(made) || !answered || is_passing(result.status)) {
        return false;
    }
    if (result.status / 100 == 2) {
        *out_done = join_answer(result.body, arena, identity);
        return true;
    }
    *out_done = err_make(
        ERR_INVALID,
        arena_format(
            arena,
            "the cluster at %.*s refuses this node with %d: %.*s",
            BYTES_ARG(server),
            (int)result.status,
            BYTES_ARG(said)
        )
    );
    return true;
}

static void pause_ms(uint32_t ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL); // time is the subject: nothing here can be waited for
}

err join_cluster(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct identity *identity
) {
    uint32_t wait_ms = LIMIT_JOIN_RETRY_MS;
    for (size_t attempt = 0;; attempt++) {
        bytes server = nth_of(bytes_from_text(config->join), attempt);
        SCOPED(arena_destroy) struct arena *once = arena_create(LIMIT_ARENA_BLOCK_BYTES);
        bytes why = BYTES_EMPTY;
        err done = ERR_NONE;
        if (ask(config, server, once, identity, &done, &why)) {
            return err_is(done) ? err_make(done.code, arena_format(arena, "%s", done.text)) : done;
        }
        log_line(
            log,
            LOG_WARN,
            "join_waits",
            "server=%.*s retry_ms=%u text=\"%.*s\"",
            BYTES_ARG(server),
            (unsigned)wait_ms,
            BYTES_ARG(why)
        );
        pause_ms(wait_ms);
        wait_ms = 2 * wait_ms < LIMIT_JOIN_RETRY_MS_MAX ? 2 * wait_ms : LIMIT_JOIN_RETRY_MS_MAX;
    }
}
