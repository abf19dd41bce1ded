// libcurl's multi interface on libevent's loop: libcurl says which sockets and which moment it
// waits for, the loop tells when they come. Transfers that ended are collected by an event of
// their own, so that no callback runs inside libcurl or inside caller_make.
#include "node/call/caller.h"

#include "node/call/caller_internal.h"
#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

static int
on_socket(CURL *transfer, curl_socket_t descriptor, int what, void *argument, void *socket_event);
static int on_wish(CURLM *multi, long timeout_ms, void *argument);
static void on_ready(evutil_socket_t descriptor, short what, void *argument);
static void on_time(evutil_socket_t descriptor, short what, void *argument);
static void on_settle(evutil_socket_t descriptor, short what, void *argument);
static void on_silence(evutil_socket_t descriptor, short what, void *argument);
static void end(struct open_call *open, const struct call_result *result);
static void call_drop(struct open_call *open);

// --- life
// ----------------------------------------------------------------------------------------

err caller_create(struct event_base *base, struct caller **out_caller) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_make(ERR_IO, "libcurl cannot be set up");
    }
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0) {
        curl_global_cleanup();
        return err_make(ERR_UNSUPPORTED, "this libcurl looks names up without a thread");
    }
    struct caller *caller = calloc(1, sizeof(*caller));
    check(caller != NULL);
    caller->base = base;
    caller->multi = curl_multi_init();
    caller->timer = evtimer_new(base, on_time, caller);
    caller->settle = event_new(base, -1, 0, on_settle, caller);
    check(caller->multi != NULL && caller->timer != NULL && caller->settle != NULL);
    bool set =
        curl_multi_setopt(caller->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(caller->multi, CURLMOPT_SOCKETDATA, caller) == CURLM_OK &&
        curl_multi_setopt(caller->multi, CURLMOPT_TIMERFUNCTION, on_wish) == CURLM_OK &&
        curl_multi_setopt(caller->multi, CURLMOPT_TIMERDATA, caller) == CURLM_OK &&
        curl_multi_setopt(caller->multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_CALL_IDLE) == CURLM_OK;
    check(set);
    *out_caller = caller;
    return ERR_NONE;
}

void caller_destroy(struct caller **caller) {
    if (*caller == NULL) {
        return;
    }
    for (struct open_call *open = (*caller)->first; open != NULL;) {
        struct open_call *behind = open->next;
        call_drop(open);
        open = behind;
    }
    (void)curl_multi_cleanup((*caller)->multi);
    event_free((*caller)->timer);
    event_free((*caller)->settle);
    free(*caller);
    *caller = NULL;
    curl_global_cleanup();
}

struct caller_stats caller_stats(const struct caller *caller) {
    return caller->stats;
}

// --- calls
// ---------------------------------------------------------------------------------------

void caller_make(
    struct caller *caller,
    uint64_t call_id,
    const struct call *call,
    caller_callback *callback,
    void *argument
) {
    caller_make_signed(caller, call_id, call, NULL, callback, argument);
}

void caller_make_signed(
    struct caller *caller,
    uint64_t call_id,
    const struct call *call,
    const struct call_signature *signature,
    caller_callback *callback,
    void *argument
) {
    struct open_call *open = calloc(1, sizeof(*open));
    check(open != NULL);
    open->caller = caller;
    open->id = call_id;
    open->callback = callback;
    open->argument = argument;
    open->silence_ms = call->silence_ms;
    open->next = caller->first;
    if (open->next != NULL) {
        open->next->previous = open;
    }
    caller->first = open;
    caller->stats.made++;
    caller->stats.open++;
    answer_init(&open->answer, caller, call->body_max);
    open->answer.patience = (struct timeval){
        .tv_sec = call->silence_ms / 1000,
        .tv_usec = (suseconds_t)(call->silence_ms % 1000) * 1000,
    };
    open->answer.silence = evtimer_new(caller->base, on_silence, open);
    open->transfer = curl_easy_init();
    check(open->answer.silence != NULL && open->transfer != NULL);
    answer_attach(&open->answer, open->transfer);
    if (!request_apply(open, call, signature) ||
        curl_multi_add_handle(caller->multi, open->transfer) != CURLM_OK) {
        open->answer.fault = "the request cannot be made";
        event_active(open->answer.silence, EV_TIMEOUT, 0);
    }
}

static void call_drop(struct open_call *open) {
    struct caller *caller = open->caller;
    (void)curl_multi_remove_handle(caller->multi, open->transfer);
    curl_easy_cleanup(open->transfer);
    curl_slist_free_all(open->headers);
    answer_deinit(&open->answer);
    union {
        const uint8_t *borrowed;
        void *owned;
    } body = {.borrowed = open->body.data};
    free(body.owned);
    if (open->previous != NULL) {
        open->previous->next = open->next;
    } else {
        caller->first = open->next;
    }
    if (open->next != NULL) {
        open->next->previous = open->previous;
    }
    caller->stats.open--;
    free(open);
}

// Tells the result and forgets the call. The transfer is taken out of libcurl first, so the
// callback may do what it likes.
static void end(struct open_call *open, const struct call_result *result) {
    struct caller_stats *stats = &open->caller->stats;
    stats->answered += result->outcome == CALL_ANSWERED;
    stats->failed += result->outcome == CALL_FAILED;
    stats->too_large += result->outcome == CALL_TOO_LARGE;
    (void)curl_multi_remove_handle(open->caller->multi, open->transfer);
    open->callback(open->argument, open->id, result);
    call_drop(open);
}

static const char *reason_of(const struct open_call *open, CURLcode code) {
    if (open->answer.fault != NULL) {
        return open->answer.fault;
    }
    if (bytes_starts_with(bytes_from_text(open->error), BYTES_LITERAL("Received HTTP/0.9"))) {
        return "the answer is not HTTP";
    }
    return open->error[0] != 0 ? open->error : curl_easy_strerror(code);
}

static void transfer_ended(struct open_call *open, CURLcode code) {
    struct call_result result = {
        .outcome = CALL_FAILED,
        .headers = buffer_bytes(&open->answer.headers),
        .body = buffer_bytes(&open->answer.body),
    };
    long status = 0;
    if (open->answer.too_large) {
        result.outcome = CALL_TOO_LARGE;
    } else if (code == CURLE_OK && !open->answer.head_whole) {
        result.error =
            BYTES_LITERAL("the answer ended within its head"); // libcurl takes it for one
    } else if (code == CURLE_OK && curl_easy_getinfo(open->transfer, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) {
        result.outcome = CALL_ANSWERED;
        result.status = (int32_t)status;
    } else {
        result.error = bytes_from_text(reason_of(open, code));
    }
    end(open, &result);
}

static void on_silence(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct open_call *open = argument;
    struct call_result result = {.outcome = CALL_FAILED, .error = BYTES_LITERAL("Read timed out")};
    if (open->answer.fault != NULL) {
        result.error = bytes_from_text(open->answer.fault);
    }
    end(open, &result);
}

// --- libcurl on the loop
// -------------------------------------------------------------------------

static void settle_soon(struct caller *caller) {
    event_active(caller->settle, EV_TIMEOUT, 0);
}

static void on_settle(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct caller *caller = argument;
    int left = 0;
    const CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(caller->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct open_call *open = NULL;
            CURLcode code = message->data.result;
            CURLcode found = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &open);
            check(found == CURLE_OK && open != NULL);
            transfer_ended(open, code);
        }
    }
}

static void act(struct caller *caller, curl_socket_t descriptor, int events) {
    int running = 0;
    CURLMcode done = curl_multi_socket_action(caller->multi, descriptor, events, &running);
    check(done == CURLM_OK);
    settle_soon(caller);
}

static void on_ready(evutil_socket_t descriptor, short what, void *argument) {
    int events = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                 ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    act(argument, descriptor, events);
}

static void on_time(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    act(argument, CURL_SOCKET_TIMEOUT, 0);
}

static int on_wish(CURLM *multi, long timeout_ms, void *argument) {
    (void)multi;
    struct caller *caller = argument;
    if (timeout_ms < 0) {
        (void)evtimer_del(caller->timer);
    } else {
        struct timeval wait = {
            .tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
        (void)evtimer_add(caller->timer, &wait);
    }
    return 0;
}

static int
on_socket(CURL *transfer, curl_socket_t descriptor, int what, void *argument, void *socket_event) {
    (void)transfer;
    struct caller *caller = argument;
    struct event *event = socket_event;
    if (event != NULL) {
        event_free(event);
        event = NULL;
    }
    if (what != CURL_POLL_REMOVE) {
        short wanted = (short
        )(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
          ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);
        event = event_new(caller->base, descriptor, wanted, on_ready, caller);
        check(event != NULL && event_add(event, NULL) == 0);
    }
    (void)curl_multi_assign(caller->multi, descriptor, event);
    return 0;
}
