// A list in order of asking, searched from its end: what is answered is mostly young, and a few
// dozen wait at a time.

#include "tests/simulation/questions.h"

#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENTS_MAX = 12,
    PARAMETERS_MAX = 8
};

struct waiting {
    uint64_t number;
    bool arrived;
    struct asker asker;
    char *method; // method, path and query in one block, each with its zero
    char *path;
    char *query;
    uint8_t *body;
    size_t body_size;
    struct answer kept; // its body is in `parts`
    struct buffer parts;
};

struct questions {
    uint64_t last_number;
    struct waiting *waiting;
    size_t count;
    size_t capacity;
    bytes segments[SEGMENTS_MAX];
    struct api_parameter parameters[PARAMETERS_MAX];
    struct node_request request;
    char line[240];
    struct buffer whole;
};

struct questions *questions_create(void) {
    struct questions *questions = calloc(1, sizeof(*questions));
    check(questions != NULL);
    buffer_init(&questions->whole, LIMIT_REPLY_BYTES);
    return questions;
}

static void free_texts(struct waiting *waiting) {
    free(waiting->method);
    free(waiting->body);
    buffer_deinit(&waiting->parts);
}

void questions_destroy(struct questions **questions_at) {
    struct questions *questions = *questions_at;
    if (questions == NULL) {
        return;
    }
    for (size_t i = 0; i < questions->count; i++) {
        free_texts(&questions->waiting[i]);
    }
    free(questions->waiting);
    buffer_deinit(&questions->whole);
    free(questions);
    *questions_at = NULL;
}

static struct waiting *find(struct questions *questions, uint64_t number) {
    for (size_t i = questions->count; i > 0; i--) {
        if (questions->waiting[i - 1].number == number) {
            return &questions->waiting[i - 1];
        }
    }
    return NULL;
}

static void forget(struct questions *questions, struct waiting *waiting) {
    free_texts(waiting);
    size_t at = (size_t)(waiting - questions->waiting);
    questions->count--;
    memmove(waiting, waiting + 1, (questions->count - at) * sizeof(*waiting));
}

uint64_t questions_add(
    struct questions *questions,
    const struct question *question,
    machine_answered answered,
    void *argument
) {
    if (questions->count == questions->capacity) {
        questions->capacity = questions->capacity == 0 ? 32 : questions->capacity * 2;
        questions->waiting =
            realloc(questions->waiting, questions->capacity * sizeof(questions->waiting[0]));
        check(questions->waiting != NULL);
    }
    struct waiting *waiting = &questions->waiting[questions->count++];
    *waiting = (struct waiting){
        .number = ++questions->last_number,
        .asker = {answered, argument},
        .body_size = question->body.size,
    };
    buffer_init(&waiting->parts, LIMIT_REPLY_BYTES);
    size_t method = strlen(question->method) + 1;
    size_t path = strlen(question->path) + 1;
    size_t query = strlen(question->query) + 1;
    waiting->method = malloc(method + path + query);
    waiting->body = malloc(question->body.size + 1);
    check(waiting->method != NULL && waiting->body != NULL);
    waiting->path = waiting->method + method;
    waiting->query = waiting->path + path;
    memcpy(waiting->method, question->method, method);
    memcpy(waiting->path, question->path, path);
    memcpy(waiting->query, question->query, query);
    if (question->body.size > 0) {
        memcpy(waiting->body, question->body.data, question->body.size);
    }
    return waiting->number;
}

bool questions_keep(struct questions *questions, uint64_t number, const struct answer *part) {
    struct waiting *waiting = find(questions, number);
    if (waiting == NULL) {
        return false;
    }
    buffer_append(&waiting->parts, part->body);
    if (part->status != 0) {
        waiting->kept = *part;
    }
    return true;
}

struct answer questions_kept(struct questions *questions, uint64_t number, bytes more) {
    struct waiting *waiting = find(questions, number);
    struct answer answer = waiting == NULL ? (struct answer){0} : waiting->kept;
    buffer_clear(&questions->whole);
    if (waiting != NULL) {
        buffer_append(&questions->whole, buffer_bytes(&waiting->parts));
    }
    buffer_append(&questions->whole, more);
    answer.body = buffer_bytes(&questions->whole);
    return answer;
}

static void split_path(struct questions *questions, bytes path) {
    size_t count = 0;
    size_t at = 1;
    while (at <= path.size) {
        size_t end = bytes_find(path, at, '/');
        check(count < SEGMENTS_MAX);
        questions->segments[count++] = bytes_slice(path, at, end);
        at = end + 1;
    }
    questions->request.segments = questions->segments;
    questions->request.segment_count = count;
}

static void split_query(struct questions *questions, bytes query) {
    size_t count = 0;
    size_t at = 0;
    while (at < query.size) {
        size_t end = bytes_find(query, at, '&');
        bytes pair = bytes_slice(query, at, end);
        size_t equal = bytes_find(pair, 0, '=');
        check(count < PARAMETERS_MAX && equal < pair.size);
        questions->parameters[count++] = (struct api_parameter
        ){bytes_slice(pair, 0, equal), bytes_slice(pair, equal + 1, pair.size)};
        at = end + 1;
    }
    questions->request.parameters = (struct api_parameters){questions->parameters, count};
}

const struct node_request *questions_arrive(struct questions *questions, uint64_t number) {
    struct waiting *waiting = find(questions, number);
    if (waiting == NULL) {
        return NULL;
    }
    waiting->arrived = true;
    questions->request = (struct node_request){
        .method = bytes_from_text(waiting->method),
        .body = bytes_of(waiting->body, waiting->body_size),
    };
    split_path(questions, bytes_from_text(waiting->path));
    split_query(questions, bytes_from_text(waiting->query));
    return &questions->request;
}

bool questions_take(struct questions *questions, uint64_t number, struct asker *out_asker) {
    struct waiting *waiting = find(questions, number);
    if (waiting == NULL) {
        return false;
    }
    *out_asker = waiting->asker;
    forget(questions, waiting);
    return true;
}

bool questions_take_arrived(
    struct questions *questions, uint64_t *out_number, struct asker *out_asker
) {
    for (size_t i = 0; i < questions->count; i++) {
        if (questions->waiting[i].arrived) {
            *out_number = questions->waiting[i].number;
            *out_asker = questions->waiting[i].asker;
            forget(questions, &questions->waiting[i]);
            return true;
        }
    }
    return false;
}

const char *questions_line(struct questions *questions, uint64_t number) {
    const struct waiting *waiting = find(questions, number);
    if (waiting == NULL) {
        return "?";
    }
    (void)snprintf(
        questions->line,
        sizeof(questions->line),
        "%s %s%s%s",
        waiting->method,
        waiting->path,
        waiting->query[0] != 0 ? "?" : "",
        waiting->query
    );
    return questions->line;
}
