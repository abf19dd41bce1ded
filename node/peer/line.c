// Reading fills the frame that is under way and, behind it, a spare area in which small frames come
// many at a time: one system call each read, one copy of small frames, none of large ones.
//
// NNG 1.5.2 never ends an operation that begins after its stream was closed, so everything begins
// under the mutex that also guards `closing`. (Its sockets have this fault inside: a message whose
// size has come when the connection is closed stops the one thread that tidies up, for ever. Hence
// streams; node/peer/README.md.)
#include "node/peer/line.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <nng/nng.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE_BYTES = 4,
    SPARE_BYTES = 32 * 1024
};

struct line {
    struct doorbell *bell;
    nng_stream *stream;
    nng_aio *reading;
    nng_aio *writing;
    pthread_mutex_t mutex; // for all below
    bool closing;          // nothing begins any more
    bool ended;
    bool paused; // nobody reads: the inbox is full

    struct line_frame *partial; // under way
    size_t partial_got;
    size_t spare_got;
    uint8_t spare[SPARE_BYTES];

    struct line_frame *first; // of the inbox
    struct line_frame *last;
    size_t count;

    bool busy;   // a frame is being written
    bool wanted; // ring the bell when it is not
    uint8_t *out;
    size_t out_capacity;
    size_t out_size;
    size_t out_done;
};

// --- reading, with the mutex held

static void push_partial(struct line *line) {
    struct line_frame *frame = line->partial;
    line->partial = NULL;
    if (line->last != NULL) {
        line->last->next = frame;
    } else {
        line->first = frame;
    }
    line->last = frame;
    line->count++;
}

// Cuts the spare area into frames. False: what is there is no frame.
static bool cut_spare(struct line *line) {
    size_t at = 0;
    while (line->partial == NULL && line->spare_got - at >= SIZE_BYTES) {
        size_t size = bytes_get_u32(line->spare + at);
        if (size == 0 || size > LIMIT_PEER_FRAME_BYTES) {
            return false;
        }
        at += SIZE_BYTES;
        size_t there = line->spare_got - at < size ? line->spare_got - at : size;
        line->partial = malloc(sizeof(struct line_frame) + size);
        check(line->partial != NULL);
        line->partial->next = NULL;
        line->partial->size = size;
        line->partial_got = there;
        memcpy(line->partial->data, line->spare + at, there);
        at += there;
        if (there == size) {
            push_partial(line);
        }
    }
    memmove(line->spare, line->spare + at, line->spare_got - at);
    line->spare_got -= at;
    return true;
}

static bool take_in(struct line *line, size_t got) {
    if (line->partial != NULL) {
        size_t missing = line->partial->size - line->partial_got;
        size_t taken = got < missing ? got : missing;
        line->partial_got += taken;
        got -= taken;
        if (taken == missing) {
            push_partial(line);
        }
    }
    line->spare_got += got;
    return cut_spare(line);
}

static void read_on(struct line *line) {
    nng_iov parts[2];
    unsigned count = 0;
    line->paused = line->count >= LIMIT_PEER_INBOX_FRAMES;
    if (line->closing || line->ended || line->paused) {
        return;
    }
    if (line->partial != NULL) {
        parts[count++] = (nng_iov){
            .iov_buf = line->partial->data + line->partial_got,
            .iov_len = line->partial->size - line->partial_got,
        };
    }
    parts[count++] = (nng_iov
    ){.iov_buf = line->spare + line->spare_got, .iov_len = SPARE_BYTES - line->spare_got};
    check(nng_aio_set_iov(line->reading, count, parts) == 0);
    nng_stream_recv(line->stream, line->reading);
}

static void on_read(void *argument) {
    struct line *line = argument;
    int result = nng_aio_result(line->reading);
    size_t got = nng_aio_count(line->reading);
    pthread_mutex_lock(&line->mutex);
    size_t before = line->count;
    line->ended = line->ended || result != 0 || !take_in(line, got);
    read_on(line);
    bool news = line->ended || line->count > before;
    pthread_mutex_unlock(&line->mutex);
    if (news) {
        doorbell_ring(line->bell);
    }
}

// --- writing, with the mutex held

static void write_on(struct line *line) {
    nng_iov part = {
        .iov_buf = line->out + line->out_done, .iov_len = line->out_size - line->out_done};
    if (line->closing) {
        line->busy = false;
        return;
    }
    line->busy = true;
    check(nng_aio_set_iov(line->writing, 1, &part) == 0);
    nng_stream_send(line->stream, line->writing);
}

static void on_written(void *argument) {
    struct line *line = argument;
    int result = nng_aio_result(line->writing);
    pthread_mutex_lock(&line->mutex);
    line->out_done += nng_aio_count(line->writing);
    line->ended = line->ended || result != 0;
    line->busy = false;
    if (!line->ended && line->out_done < line->out_size) {
        write_on(line);
    }
    bool news = line->ended || (!line->busy && line->wanted);
    line->wanted = line->wanted && line->busy;
    pthread_mutex_unlock(&line->mutex);
    if (news) {
        doorbell_ring(line->bell);
    }
}

// --- for the core's thread

struct line *line_create(struct doorbell *bell, nng_stream *stream) {
    struct line *line = calloc(1, sizeof(*line));
    check(line != NULL);
    line->bell = bell;
    line->stream = stream;
    check(pthread_mutex_init(&line->mutex, NULL) == 0);
    check(nng_aio_alloc(&line->reading, on_read, line) == 0);
    check(nng_aio_alloc(&line->writing, on_written, line) == 0);
    pthread_mutex_lock(&line->mutex);
    read_on(line);
    pthread_mutex_unlock(&line->mutex);
    return line;
}

void line_destroy(struct line **line) {
    struct line *gone = *line;
    *line = NULL;
    if (gone == NULL) {
        return;
    }
    pthread_mutex_lock(&gone->mutex);
    gone->closing = true;
    pthread_mutex_unlock(&gone->mutex);
    nng_stream_close(gone->stream);
    nng_aio_stop(gone->reading);
    nng_aio_stop(gone->writing);
    nng_aio_free(gone->reading);
    nng_aio_free(gone->writing);
    nng_stream_free(gone->stream);
    while (gone->first != NULL) {
        struct line_frame *frame = gone->first;
        gone->first = frame->next;
        free(frame);
    }
    free(gone->partial);
    free(gone->out);
    (void)pthread_mutex_destroy(&gone->mutex);
    free(gone);
}

bool line_has_ended(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    bool ended = line->ended;
    pthread_mutex_unlock(&line->mutex);
    return ended;
}

size_t line_waiting(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    size_t count = line->count;
    pthread_mutex_unlock(&line->mutex);
    return count;
}

bool line_peek(struct line *line, bytes *out_frame) {
    pthread_mutex_lock(&line->mutex);
    const struct line_frame *frame = line->first;
    pthread_mutex_unlock(&line->mutex);
    if (frame == NULL) {
        return false;
    }
    *out_frame = bytes_of(frame->data, frame->size);
    return true;
}

struct line_frame *line_take(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    struct line_frame *frame = line->first;
    if (frame != NULL) {
        line->first = frame->next;
        line->last = line->first == NULL ? NULL : line->last;
        line->count--;
        if (line->paused) {
            read_on(line);
        }
    }
    pthread_mutex_unlock(&line->mutex);
    return frame;
}

void line_frame_free(struct line_frame **frame) {
    free(*frame);
    *frame = NULL;
}

bool line_is_free(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    bool is_free = !line->busy && !line->ended;
    pthread_mutex_unlock(&line->mutex);
    return is_free;
}

bool line_want(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    bool is_free = !line->busy && !line->ended;
    line->wanted = line->busy;
    pthread_mutex_unlock(&line->mutex);
    return is_free;
}

uint8_t *line_begin(struct line *line, size_t size) {
    check(size > 0 && size <= LIMIT_PEER_FRAME_BYTES);
    // Not written at the moment: the buffer is the core's.
    if (line->out_capacity < SIZE_BYTES + size) {
        free(line->out);
        line->out_capacity = SIZE_BYTES + size;
        line->out = malloc(line->out_capacity);
        check(line->out != NULL);
    }
    line->out_size = SIZE_BYTES + size;
    line->out_done = 0;
    bytes_put_u32(line->out, (uint32_t)size);
    return line->out + SIZE_BYTES;
}

void line_send(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    check(!line->busy);
    write_on(line);
    pthread_mutex_unlock(&line->mutex);
}
