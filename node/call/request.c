// What libcurl is told about one call. Everything it would take from its surroundings – proxies,
// signals, other protocols, cookies, credentials in files – is switched off by name.
#include "node/call/caller_internal.h"
#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

// A C string of a text without NULs.
static char *text_keep(bytes text) {
    char *copy = malloc(text.size + 1);
    check(copy != NULL);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = 0;
    return copy;
}

static bool header_append(struct open_call *open, const char *line) {
    struct curl_slist *grown = curl_slist_append(open->headers, line);
    if (grown == NULL) {
        return false;
    }
    open->headers = grown;
    return true;
}

// `Name:` without a value would take the header away: libcurl wants `Name;` for an empty one.
static bool header_add(struct open_call *open, bytes line) {
    char *text = text_keep(line);
    size_t colon = bytes_find(line, 0, ':');
    if (bytes_trim(bytes_slice(line, colon < line.size ? colon + 1 : colon, line.size)).size == 0) {
        text[colon] = ';';
        text[colon < line.size ? colon + 1 : colon] = 0;
    }
    bool added = header_append(open, text);
    free(text);
    return added;
}

// No waiting for a 100, and no type of a body that nobody gave. Not for what is signed:
// libcurl 7.88 signs the names of headers that it then does not send.
static bool headers_take_away(struct open_call *open, bool is_signed) {
    return is_signed || (header_append(open, "Expect:") && header_append(open, "Content-Type:"));
}

static bool headers_apply(struct open_call *open, bytes lines, bool is_signed) {
    bool applied = headers_take_away(open, is_signed);
    while (applied && lines.size > 0) {
        size_t end = bytes_find(lines, 0, '\n');
        applied = header_add(open, bytes_slice(lines, 0, end));
        lines = bytes_slice(lines, end < lines.size ? end + 1 : end, lines.size);
    }
    return applied &&
           curl_easy_setopt(open->transfer, CURLOPT_HTTPHEADER, open->headers) == CURLE_OK;
}

static bool wants_length(bytes method) {
    return bytes_equal_text(method, "POST") || bytes_equal_text(method, "PUT") ||
           bytes_equal_text(method, "PATCH") || bytes_equal_text(method, "DELETE");
}

static bool method_apply(struct open_call *open, const struct call *call) {
    CURL *transfer = open->transfer;
    if (bytes_equal_text(call->method, "HEAD")) {
        return curl_easy_setopt(transfer, CURLOPT_NOBODY, 1L) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK; // see keep_apart
    }
    if (call->has_body || wants_length(call->method)) {
        open->body = bytes_of(text_keep(call->body), call->body.size);
        if (curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, open->body.data) != CURLE_OK ||
            curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)open->body.size) !=
                CURLE_OK) {
            return false;
        }
    }
    char *method = text_keep(call->method);
    bool applied = curl_easy_setopt(transfer, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    free(method);
    return applied;
}

static bool uri_apply(struct open_call *open, bytes uri) {
    char *text = text_keep(uri);
    bool applied = curl_easy_setopt(open->transfer, CURLOPT_URL, text) == CURLE_OK;
    free(text);
    return applied;
}

static bool bounds_apply(CURL *transfer, const struct call *call) {
    return curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, (long)call->total_ms) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_FOLLOWLOCATION, call->follow ? 1L : 0L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_MAXREDIRS, (long)LIMIT_CALL_REDIRECTS) == CURLE_OK;
}

static bool surroundings_apply(CURL *transfer) {
    return curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_NOPROXY, "*") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_ACCEPT_ENCODING, "gzip, deflate") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_USERAGENT, "orpheus") == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           // A call that ends while its name is being looked up does not wait for that thread.
           curl_easy_setopt(transfer, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
}

static bool text_apply(CURL *transfer, CURLoption option, bytes text) {
    char *copy = text_keep(text);
    bool applied = curl_easy_setopt(transfer, option, copy) == CURLE_OK;
    free(copy);
    return applied;
}

// libcurl 7.88 signs the query as it stands, unsorted, and hashes the body only when no header
// x-amz-content-sha256 says otherwise, which S3 wants to be there. A path stays as it was escaped.
static bool signature_apply(CURL *transfer, const struct call_signature *signature) {
    if (signature == NULL) {
        return true;
    }
    struct buffer terms;
    buffer_init(&terms, LIMIT_CALL_SIGNATURE_BYTES);
    buffer_format(
        &terms, "aws:amz:%.*s:%.*s", BYTES_ARG(signature->region), BYTES_ARG(signature->service)
    );
    bool applied = !err_is(buffer_status(&terms)) &&
                   text_apply(transfer, CURLOPT_AWS_SIGV4, buffer_bytes(&terms)) &&
                   text_apply(transfer, CURLOPT_USERNAME, signature->key_id) &&
                   text_apply(transfer, CURLOPT_PASSWORD, signature->secret) &&
                   curl_easy_setopt(transfer, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    buffer_deinit(&terms);
    return applied;
}

bool request_apply(
    struct open_call *open, const struct call *call, const struct call_signature *signature
) {
    CURL *transfer = open->transfer;
    return surroundings_apply(transfer) && bounds_apply(transfer, call) &&
           uri_apply(open, call->uri) && method_apply(open, call) &&
           headers_apply(open, call->headers, signature != NULL) &&
           signature_apply(transfer, signature) &&
           curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, open->error) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_PRIVATE, open) == CURLE_OK;
}
