// Both are one operation of NNG at a time, whose end is noted under a mutex and rung. What failed
// is begun again by the core, at its pace: an accept that fails for want of descriptors would spin
// here.
#include "node/peer/door.h"

#include "proto/base/check.h"

#include <nng/nng.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// One operation that yields a stream.
struct knock {
    struct doorbell *bell;
    nng_aio *aio;
    pthread_mutex_t mutex;
    enum knocker_state state;
    nng_stream *stream;
};

struct door {
    struct knock knock;
    nng_stream_listener *listener;
};

enum {
    URL_BYTES_MAX = 300 // a host name has 253
};

struct knocker {
    struct knock knock;
    char url[URL_BYTES_MAX];
    nng_stream_dialer *dialer;
};

static void on_end(void *argument) {
    struct knock *knock = argument;
    int result = nng_aio_result(knock->aio);
    pthread_mutex_lock(&knock->mutex);
    knock->stream = result == 0 ? nng_aio_get_output(knock->aio, 0) : NULL;
    knock->state = result == 0 ? KNOCKER_OPENED : KNOCKER_FAILED;
    pthread_mutex_unlock(&knock->mutex);
    doorbell_ring(knock->bell);
}

static void knock_init(struct knock *knock, struct doorbell *bell) {
    knock->bell = bell;
    check(pthread_mutex_init(&knock->mutex, NULL) == 0);
    check(nng_aio_alloc(&knock->aio, on_end, knock) == 0);
}

// After its listener or dialer was closed.
static void knock_deinit(struct knock *knock) {
    nng_aio_stop(knock->aio);
    nng_aio_free(knock->aio);
    if (knock->stream != NULL) {
        nng_stream_free(knock->stream);
    }
    (void)pthread_mutex_destroy(&knock->mutex);
}

static enum knocker_state knock_state(struct knock *knock) {
    pthread_mutex_lock(&knock->mutex);
    enum knocker_state state = knock->state;
    pthread_mutex_unlock(&knock->mutex);
    return state;
}

static void knock_begin(struct knock *knock) {
    pthread_mutex_lock(&knock->mutex);
    check(knock->state != KNOCKER_DIALS && knock->stream == NULL);
    knock->state = KNOCKER_DIALS;
    pthread_mutex_unlock(&knock->mutex);
}

static struct line *knock_take(struct knock *knock) {
    pthread_mutex_lock(&knock->mutex);
    nng_stream *stream = knock->stream;
    knock->stream = NULL;
    knock->state = KNOCKER_IDLE;
    pthread_mutex_unlock(&knock->mutex);
    check(stream != NULL);
    return line_create(knock->bell, stream);
}

// --- the door

static void accept_next(struct door *door) {
    knock_begin(&door->knock);
    nng_stream_listener_accept(door->listener, door->knock.aio);
}

err door_open(struct doorbell *bell, const char *url, struct arena *arena, struct door **out_door) {
    nng_stream_listener *listener = NULL;
    int result = nng_stream_listener_alloc(&listener, url);
    if (result == 0) {
        (void)nng_stream_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
        result = nng_stream_listener_listen(listener);
    }
    if (result != 0) {
        if (listener != NULL) {
            nng_stream_listener_free(listener);
        }
        return err_make(
            ERR_IO, arena_format(arena, "listening at %s: %s", url, nng_strerror(result))
        );
    }
    struct door *door = calloc(1, sizeof(*door));
    check(door != NULL);
    door->listener = listener;
    knock_init(&door->knock, bell);
    accept_next(door);
    *out_door = door;
    return ERR_NONE;
}

void door_close(struct door **door) {
    struct door *gone = *door;
    *door = NULL;
    if (gone == NULL) {
        return;
    }
    nng_stream_listener_close(gone->listener);
    knock_deinit(&gone->knock);
    nng_stream_listener_free(gone->listener);
    free(gone);
}

struct line *door_take(struct door *door) {
    if (knock_state(&door->knock) != KNOCKER_OPENED) {
        return NULL;
    }
    struct line *line = knock_take(&door->knock);
    accept_next(door);
    return line;
}

bool door_has_failed(struct door *door) {
    return knock_state(&door->knock) == KNOCKER_FAILED;
}

void door_retry(struct door *door) {
    accept_next(door);
}

// --- knockers

static int open_dialer(struct knocker *knocker) {
    int result = nng_stream_dialer_alloc(&knocker->dialer, knocker->url);
    if (result == 0) {
        (void)nng_stream_dialer_set_bool(knocker->dialer, NNG_OPT_TCP_NODELAY, true);
    }
    return result;
}

static void close_dialer(struct knocker *knocker) {
    nng_stream_dialer_close(knocker->dialer);
    knock_deinit(&knocker->knock);
    nng_stream_dialer_free(knocker->dialer);
}

err knocker_create(
    struct doorbell *bell, const char *url, struct arena *arena, struct knocker **out_knocker
) {
    struct knocker *knocker = calloc(1, sizeof(*knocker));
    check(knocker != NULL);
    int size = snprintf(knocker->url, sizeof(knocker->url), "%s", url);
    int result = size < (int)sizeof(knocker->url) ? open_dialer(knocker) : NNG_EADDRINVAL;
    if (result != 0) {
        free(knocker);
        return err_make(
            ERR_INVALID, arena_format(arena, "dialling %s: %s", url, nng_strerror(result))
        );
    }
    knock_init(&knocker->knock, bell);
    *out_knocker = knocker;
    return ERR_NONE;
}

void knocker_destroy(struct knocker **knocker) {
    struct knocker *gone = *knocker;
    *knocker = NULL;
    if (gone != NULL) {
        close_dialer(gone);
        free(gone);
    }
}

void knocker_give_up(struct knocker *knocker) {
    // A new dialer: NNG's own may still be busy with the attempt that was cancelled.
    struct doorbell *bell = knocker->knock.bell;
    close_dialer(knocker);
    knocker->knock = (struct knock){0};
    check(open_dialer(knocker) == 0);
    knock_init(&knocker->knock, bell);
}

enum knocker_state knocker_state_of(struct knocker *knocker) {
    return knock_state(&knocker->knock);
}

void knocker_start(struct knocker *knocker) {
    knock_begin(&knocker->knock);
    nng_stream_dialer_dial(knocker->dialer, knocker->knock.aio);
}

struct line *knocker_take(struct knocker *knocker) {
    return knock_take(&knocker->knock);
}
