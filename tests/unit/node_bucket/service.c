#include "tests/unit/node_bucket/service.h"

#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OBJECTS_MAX = 64,
    NAME_MAX_BYTES = 96,
    PAGE = 3 // objects of one page of a list
};

static const char BUCKET[] = "http://s3.test:9000/b";

struct object {
    char name[NAME_MAX_BYTES];
    uint8_t *content;
    size_t size;
};

struct service {
    struct object objects[OBJECTS_MAX]; // in the order of their names
    int count;
    int requests;
    int64_t now_ms;
    int misbehaving;
    uint16_t status;
    const char *body;
};

struct service *service_create(void) {
    struct service *service = calloc(1, sizeof(*service));
    check(service != NULL);
    return service;
}

void service_destroy(struct service **service) {
    for (int i = 0; i < (*service)->count; i++) {
        free((*service)->objects[i].content);
    }
    free(*service);
    *service = NULL;
}

void service_misbehave(struct service *service, int count, uint16_t status, const char *body) {
    service->misbehaving = count;
    service->status = status;
    service->body = body;
}

int service_requests(const struct service *service) {
    return service->requests;
}

int service_objects(const struct service *service) {
    return service->count;
}

int64_t service_now_ms(const struct service *service) {
    return service->now_ms;
}

// --- objects -------------------------------------------------------------------------------------

static int place_of(const struct service *service, const char *name) {
    int at = 0;
    while (at < service->count && strcmp(service->objects[at].name, name) < 0) {
        at++;
    }
    return at;
}

static bool is_at(const struct service *service, int at, const char *name) {
    return at < service->count && strcmp(service->objects[at].name, name) == 0;
}

static void put(struct service *service, const char *name, bytes content) {
    int at = place_of(service, name);
    if (!is_at(service, at, name)) {
        check(service->count < OBJECTS_MAX && strlen(name) < NAME_MAX_BYTES);
        memmove(
            &service->objects[at + 1],
            &service->objects[at],
            (size_t)(service->count - at) * sizeof(struct object)
        );
        service->count++;
        service->objects[at] = (struct object){0};
        memcpy(service->objects[at].name, name, strlen(name) + 1);
    }
    struct object *object = &service->objects[at];
    free(object->content);
    object->content = malloc(content.size + 1);
    check(object->content != NULL);
    memcpy(object->content, content.data, content.size);
    object->size = content.size;
}

static bool drop(struct service *service, const char *name) {
    int at = place_of(service, name);
    if (!is_at(service, at, name)) {
        return false;
    }
    free(service->objects[at].content);
    service->count--;
    memmove(
        &service->objects[at],
        &service->objects[at + 1],
        (size_t)(service->count - at) * sizeof(struct object)
    );
    return true;
}

bool service_lose(struct service *service, const char *name) {
    char whole[NAME_MAX_BYTES];
    (void)snprintf(whole, sizeof(whole), "p/%s", name);
    return drop(service, whole);
}

// --- answers -------------------------------------------------------------------------------------

static bytes list(const struct service *service, const char *query, struct arena *arena) {
    static const char TOKEN[] = "continuation-token=after%2B"; // of "after+NUMBER"
    struct buffer out;
    int at = strncmp(query, TOKEN, sizeof(TOKEN) - 1) == 0 ? atoi(query + sizeof(TOKEN) - 1) : 0;
    int end = at + PAGE < service->count ? at + PAGE : service->count;
    check(strstr(query, "list-type=2&prefix=p%2F") != NULL);
    buffer_init(&out, LIMIT_BUCKET_ANSWER_BYTES);
    buffer_append_text(
        &out, "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"s3\"><Name>b</Name>"
    );
    for (; at < end; at++) {
        const struct object *object = &service->objects[at];
        buffer_format(
            &out,
            "<Contents><Key>%s</Key><Owner><ID>x</ID></Owner><Size>%zu</Size></Contents>",
            object->name,
            object->size
        );
    }
    bool more = end < service->count;
    buffer_format(&out, "<IsTruncated>%s</IsTruncated>", more ? "true" : "false");
    if (more) {
        buffer_format(&out, "<NextContinuationToken>after+%d</NextContinuationToken>", end);
    }
    buffer_append_text(&out, "</ListBucketResult>");
    bytes copy = arena_copy(arena, buffer_bytes(&out));
    buffer_deinit(&out);
    return copy;
}

static void answer_one(
    struct service *service,
    const struct bucket_request *request,
    struct arena *arena,
    struct bucket_answer *out
) {
    check(strncmp(request->address, BUCKET, sizeof(BUCKET) - 1) == 0);
    const char *name = request->address + sizeof(BUCKET) - 1;
    if (name[0] == '?') {
        *out = (struct bucket_answer){.status = 200, .body = list(service, name + 1, arena)};
        return;
    }
    name++;
    int at = place_of(service, name);
    out->status = 200;
    if (strcmp(request->method, "PUT") == 0) {
        put(service, name, request->body);
    } else if (strcmp(request->method, "DELETE") == 0) {
        out->status = drop(service, name) ? 204 : 404;
    } else if (is_at(service, at, name)) {
        const struct object *object = &service->objects[at];
        check(object->size <= request->body_max);
        out->body = arena_copy(arena, bytes_of(object->content, object->size));
    } else {
        out->status = 404;
        out->body = BYTES_LITERAL("<Error><Code>NoSuchKey</Code><Message>no</Message></Error>");
    }
}

static err
ask(void *argument,
    const struct bucket_request *request,
    struct arena *arena,
    struct bucket_answer *out_answer) {
    struct service *service = argument;
    service->requests++;
    if (service->misbehaving > 0) {
        service->misbehaving--;
        *out_answer = (struct bucket_answer){
            .status = service->status,
            .headers = BYTES_LITERAL("date: Fri, 27 Nov 2026 12:00:00 GMT\n"),
            .body = bytes_from_text(service->body),
        };
        return service->status == 0 ? err_make(ERR_IO, "nobody is there") : ERR_NONE;
    }
    answer_one(service, request, arena, out_answer);
    return ERR_NONE;
}

static void wait_ms(void *argument, int64_t ms) {
    ((struct service *)argument)->now_ms += ms;
}

static int64_t now_ms(void *argument) {
    return ((struct service *)argument)->now_ms;
}

struct bucket_client service_client(struct service *service) {
    return (struct bucket_client){
        .place =
            {
                .bucket = BYTES_LITERAL("b"),
                .prefix = BYTES_LITERAL("p/"),
                .endpoint = BYTES_LITERAL("http://s3.test:9000"),
                .by_path = true,
                .region = BYTES_LITERAL("us-east-1"),
                .key_id = BYTES_LITERAL("AKIA"),
                .secret = BYTES_LITERAL("hush"),
                .token = BYTES_LITERAL("hush"),
            },
        .wire = {service, ask, wait_ms, now_ms},
    };
}
