#include "node/bucket/client.h"

#include "proto/base/buffer.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <string.h>
#include <strings.h>

struct task {
    const char *method;
    const char *name; // of the object; "": the bucket itself
    const char *query;
    bytes body;
    size_t body_max;
};

static err refusal(
    const struct bucket_client *client,
    const struct task *task,
    const struct bucket_answer *answer,
    struct arena *arena
);

// --- trying --------------------------------------------------------------------------------------

// Whether the same request may succeed a little later.
static bool is_passing(const struct bucket_answer *answer, struct arena *arena) {
    struct bucket_error error;
    if (answer->status >= 500 || answer->status == 429) {
        return !mutant_is("bucket_gives_up");
    }
    bucket_error_read(answer->body, arena, &error);
    return bytes_equal_text(error.code, "RequestTimeout") ||
           bytes_equal_text(error.code, "OperationAborted") ||
           bytes_equal_text(error.code, "SlowDown");
}

static err given_up(
    const struct bucket_client *client,
    const struct task *task,
    err asked,
    const struct bucket_answer *answer,
    struct arena *arena
) {
    if (!err_is(asked)) {
        struct bucket_error error;
        bucket_error_read(answer->body, arena, &error);
        const char *text = arena_format(
            arena, "%u %.*s: %.*s", answer->status, BYTES_ARG(error.code), BYTES_ARG(error.message)
        );
        asked = err_make(ERR_IO, text);
    }
    return err_make(
        ERR_IO,
        arena_format(
            arena,
            "%.*s has not done a %s in bucket %.*s for %d s: %s; run it again later, it goes on",
            BYTES_ARG(client->place.endpoint),
            task->method,
            BYTES_ARG(client->place.bucket),
            LIMIT_BUCKET_PATIENCE_MS / 1000,
            asked.text
        )
    );
}

// Asks until the answer is one that stays. `asked` in `arena`.
static err
ask(const struct bucket_client *client,
    const struct task *task,
    struct arena *arena,
    struct bucket_answer *out_answer) {
    const struct bucket_wire *wire = &client->wire;
    const struct bucket_request request = {
        .method = task->method,
        .address = bucket_address(&client->place, task->name, task->query, arena),
        .body = task->body,
        .body_max = task->body_max,
    };
    int64_t begun = wire->now_ms(wire->argument);
    int64_t pause_ms = LIMIT_BUCKET_RETRY_MS;
    for (;;) {
        struct bucket_answer answer = {0};
        err asked = wire->ask(wire->argument, &request, arena, &answer);
        bool passing = err_is(asked) ? asked.code == ERR_IO : is_passing(&answer, arena);
        if (!passing) {
            *out_answer = answer;
            return asked;
        }
        if (wire->now_ms(wire->argument) - begun > LIMIT_BUCKET_PATIENCE_MS) {
            return given_up(client, task, asked, &answer, arena);
        }
        wire->wait(wire->argument, pause_ms);
        pause_ms =
            pause_ms * 2 > LIMIT_BUCKET_RETRY_MAX_MS ? LIMIT_BUCKET_RETRY_MAX_MS : pause_ms * 2;
    }
}

// The same; what is no success is an error in words.
static err ask_well(
    const struct bucket_client *client,
    const struct task *task,
    struct arena *arena,
    bytes *out_body
) {
    struct bucket_answer answer = {0};
    TRY(ask(client, task, arena, &answer));
    if (answer.status != 200 && answer.status != 204) {
        return refusal(client, task, &answer, arena);
    }
    *out_body = answer.body;
    return ERR_NONE;
}

// --- refusals ------------------------------------------------------------------------------------

static bytes header_of(const struct bucket_answer *answer, const char *name) {
    bytes rest = answer->headers;
    while (rest.size > 0) {
        size_t end = bytes_find(rest, 0, '\n');
        bytes line = bytes_slice(rest, 0, end);
        size_t colon = bytes_find(line, 0, ':');
        if (colon == strlen(name) && strncasecmp((const char *)line.data, name, colon) == 0) {
            return bytes_trim(bytes_slice(line, colon < line.size ? colon + 1 : colon, line.size));
        }
        rest = bytes_slice(rest, end < rest.size ? end + 1 : end, rest.size);
    }
    return BYTES_EMPTY;
}

// What to do about a refusal that says itself by its code; NULL: nothing more is known.
static const char *advice(
    const struct bucket_client *client,
    const struct bucket_answer *answer,
    const struct bucket_error *error,
    struct arena *arena
) {
    const struct bucket_place *place = &client->place;
    static const struct {
        const char *code;
        const char *text;
    } known[] = {
        {"InvalidAccessKeyId", "it does not know the key of AWS_ACCESS_KEY_ID"},
        {"SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID"},
        {"AccessDenied", "the key of AWS_ACCESS_KEY_ID may not do this there"},
        {"AllAccessDisabled", "nobody may do anything there"},
        {"ExpiredToken", "AWS_SESSION_TOKEN is too old: fetch another one"},
        {"InvalidToken", "AWS_SESSION_TOKEN is none, or not the key's"},
        {"EntityTooLarge", "it takes no objects of this size"},
        {"QuotaExceeded", "the bucket is full"},
    };
    if (bytes_equal_text(error->code, "NoSuchBucket")) {
        return arena_format(
            arena,
            "there is no bucket %.*s: make it first, a backup does not",
            BYTES_ARG(place->bucket)
        );
    }
    if (bytes_equal_text(error->code, "RequestTimeTooSkewed")) {
        return arena_format(
            arena,
            "the clock of this machine and the service's are too far apart: it has %.*s; set this "
            "one",
            BYTES_ARG(header_of(answer, "Date"))
        );
    }
    bytes region =
        error->region.size > 0 ? error->region : header_of(answer, "x-amz-bucket-region");
    bool elsewhere = answer->status == 301 || answer->status == 307 || answer->status == 400;
    if (elsewhere && region.size > 0 && !bytes_equal(region, place->region)) {
        return arena_format(
            arena,
            "the bucket is in region %.*s, not in %.*s: say --region %.*s",
            BYTES_ARG(region),
            BYTES_ARG(place->region),
            BYTES_ARG(region)
        );
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bytes_equal_text(error->code, known[i].code)) {
            return known[i].text;
        }
    }
    return NULL;
}

static err refusal(
    const struct bucket_client *client,
    const struct task *task,
    const struct bucket_answer *answer,
    struct arena *arena
) {
    const struct bucket_place *place = &client->place;
    struct bucket_error error;
    bucket_error_read(answer->body, arena, &error);
    const char *why = advice(client, answer, &error, arena);
    const char *said =
        error.code.size == 0
            ? "without a word that S3 has: is this an endpoint of S3?"
            : arena_format(arena, "%.*s: %.*s", BYTES_ARG(error.code), BYTES_ARG(error.message));
    bool of_object = task->name[0] != '\0';
    return err_make(
        answer->status == 404 && of_object && strcmp(task->method, "GET") == 0 &&
                !bytes_equal_text(error.code, "NoSuchBucket")
            ? ERR_CORRUPT
            : ERR_INVALID,
        arena_format(
            arena,
            "%.*s refuses a %s of %s%.*s%s in bucket %.*s: %s%s(%u %s)",
            BYTES_ARG(place->endpoint),
            task->method,
            of_object ? "" : "the list of ",
            BYTES_ARG(place->prefix),
            task->name,
            BYTES_ARG(place->bucket),
            why != NULL ? why : "",
            why != NULL ? " " : "",
            answer->status,
            said
        )
    );
}

// --- what is asked for ---------------------------------------------------------------------------

err bucket_put(
    const struct bucket_client *client, const char *name, bytes content, struct arena *arena
) {
    const struct task task = {"PUT", name, "", content, LIMIT_BUCKET_ANSWER_BYTES};
    bytes body = BYTES_EMPTY;
    return ask_well(client, &task, arena, &body);
}

err bucket_get(
    const struct bucket_client *client,
    const char *name,
    size_t size,
    struct arena *arena,
    bytes *out_content
) {
    size_t body_max = size > LIMIT_BUCKET_ANSWER_BYTES ? size : LIMIT_BUCKET_ANSWER_BYTES;
    const struct task task = {"GET", name, "", BYTES_EMPTY, body_max};
    TRY(ask_well(client, &task, arena, out_content));
    if (out_content->size != size) {
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena, "object %s has %zu bytes and had %zu before", name, out_content->size, size
            )
        );
    }
    return ERR_NONE;
}

err bucket_delete(const struct bucket_client *client, const char *name, struct arena *arena) {
    const struct task task = {"DELETE", name, "", BYTES_EMPTY, LIMIT_BUCKET_ANSWER_BYTES};
    struct bucket_answer answer = {0};
    TRY(ask(client, &task, arena, &answer));
    bool gone = answer.status == 200 || answer.status == 204 || answer.status == 404;
    return gone ? ERR_NONE : refusal(client, &task, &answer, arena);
}

struct listing {
    bytes prefix;
    bucket_object_visit *visit;
    void *argument;
};

static err below_prefix(void *argument, bytes key, uint64_t size) {
    const struct listing *listing = argument;
    if (!bytes_starts_with(key, listing->prefix)) {
        return err_make(ERR_CORRUPT, "the service lists objects that it was not asked for");
    }
    return listing->visit(
        listing->argument, bytes_slice(key, listing->prefix.size, key.size), size
    );
}

err bucket_list(
    const struct bucket_client *client,
    struct arena *arena,
    bucket_object_visit *visit,
    void *argument
) {
    struct listing listing = {client->place.prefix, visit, argument};
    const char *prefix = bucket_escape(client->place.prefix, arena);
    bytes token = BYTES_EMPTY;
    do {
        // In the order of the alphabet, as it is signed.
        const char *after =
            token.size == 0
                ? ""
                : arena_format(arena, "continuation-token=%s&", bucket_escape(token, arena));
        const struct task task = {
            "GET",
            "",
            arena_format(arena, "%slist-type=2&prefix=%s", after, prefix),
            BYTES_EMPTY,
            LIMIT_BUCKET_ANSWER_BYTES,
        };
        bytes body = BYTES_EMPTY;
        bytes next = BYTES_EMPTY;
        TRY(ask_well(client, &task, arena, &body));
        TRY(bucket_list_read(body, arena, below_prefix, &listing, &next));
        if (next.size > 0 && bytes_equal(next, token)) {
            return err_make(ERR_CORRUPT, "the service gives the same page of its list twice");
        }
        token = next;
    } while (token.size > 0);
    return ERR_NONE;
}
