// Sockets are used with MSG_DONTWAIT, which spares the call that would make each non-blocking.
#include "node/http/transport.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

// On Linux EWOULDBLOCK is EAGAIN.
static ssize_t outcome_of_error(void) {
    return errno == EAGAIN ? TRANSPORT_WAIT : TRANSPORT_BROKEN;
}

static ssize_t plain_receive(int socket, uint8_t *into, size_t size) {
    ssize_t got = -1;
    do {
        got = recv(socket, into, size, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got >= 0 ? got : outcome_of_error();
}

static struct iovec part_of(bytes view) {
    union {
        const void *readable;
        void *base; // struct iovec serves both directions
    } part = {.readable = view.data};
    return (struct iovec){.iov_base = part.base, .iov_len = view.size};
}

static ssize_t plain_send(int socket, bytes first, bytes second) {
    struct iovec parts[2] = {part_of(first), part_of(second)};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = second.size > 0 ? 2 : 1};
    ssize_t sent = -1;
    do {
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : outcome_of_error();
}

static void plain_finish(int socket) {
    (void)shutdown(socket, SHUT_WR);
}

static void plain_reset(int socket) {
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

const struct transport transport_plain = {
    .receive = plain_receive,
    .send = plain_send,
    .finish = plain_finish,
    .reset = plain_reset,
};
