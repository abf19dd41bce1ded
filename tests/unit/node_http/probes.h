// The probe table of the design as rows, for the parser alone and for a server end to end.
#pragma once

#include <stdint.h>

struct probe {
    const char *claim;
    const char *bytes;
    unsigned size;    // of `bytes`, as some hold a NUL
    uint16_t status;  // 0: it is a request
    const char *body; // of a request
};

#define PROBE(claim, text, status, body) \
    { (claim), (text), sizeof(text) - 1, (status), (body) }
#define HOST "Host: a\r\n"

static const struct probe probes[] = {
    // Where a body ends
    PROBE(
        "two differing lengths",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        400,
        ""
    ),
    PROBE(
        "two equal lengths",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        400,
        ""
    ),
    PROBE(
        "a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", 400, ""
    ),
    PROBE(
        "length with coding",
        "POST / HTTP/1.1\r\n" HOST
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "coding with length",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "xchunked",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        501,
        ""
    ),
    PROBE(
        "gzip, chunked",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
        ""
    ),
    PROBE(
        "chunked twice",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE("an empty coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 400, ""),
    PROBE(
        "a coding in HTTP/1.0",
        "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "space before colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello", 400, ""
    ),
    PROBE("length +5", "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello", 400, ""),
    PROBE("length -5", "POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\nhello", 400, ""),
    PROBE("length 0x5", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello", 400, ""),
    PROBE("empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nhello", 400, ""),
    PROBE(
        "length beyond 64 bits",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\nhello",
        413,
        ""
    ),
    PROBE(
        "length over the bound", "POST / HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n", 413, ""
    ),
    PROBE(
        "chunk size +5",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk size 0x5",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk size empty",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk size beyond 64 bits",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk size with a blank behind",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk line with bare LF",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunk longer than its size",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "chunks over the bound",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n40\r\n",
        413,
        ""
    ),
    PROBE(
        "a control in a chunk extension",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n5;a=\x01\r\nhello\r\n0\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "a trailer without colon",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n",
        400,
        ""
    ),
    PROBE(
        "a folded trailer",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\na: b\r\n c\r\n\r\n",
        400,
        ""
    ),
    // Lines and fields
    PROBE("NUL in a header value", "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 400, ""),
    PROBE("NUL in a header name", "GET / HTTP/1.1\r\n" HOST "A\0: b\r\n\r\n", 400, ""),
    PROBE("folded header", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400, ""),
    PROBE("a fold as first header", "GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n", 400, ""),
    PROBE("no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400, ""),
    PROBE("no headers at all", "GET / HTTP/1.1\r\n\r\n", 400, ""),
    PROBE("two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, ""),
    PROBE("a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, ""),
    PROBE("a header without colon", "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400, ""),
    PROBE("a header without name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400, ""),
    PROBE("bare LF after a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, ""),
    PROBE("bare LF throughout", "GET / HTTP/1.1\nHost: a\n\n", 400, ""),
    PROBE("bare CR in a header", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400, ""),
    PROBE("two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE(
        "an unknown expectation",
        "POST / HTTP/1.1\r\n" HOST "Expect: more\r\nContent-Length: 1\r\n\r\nx",
        417,
        ""
    ),
    // The request line
    PROBE("HTTP/1.9", "GET / HTTP/1.9\r\n" HOST "\r\n", 505, ""),
    PROBE("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, ""),
    PROBE("HTTP/0.9 with a version", "GET / HTTP/0.9\r\n" HOST "\r\n", 505, ""),
    PROBE("no version", "GET /\r\n" HOST "\r\n", 400, ""),
    PROBE("a version in lower case", "GET / http/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a version too long", "GET / HTTP/1.10\r\n" HOST "\r\n", 400, ""),
    PROBE("two blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a blank behind", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400, ""),
    PROBE("a method that is no token", "G(T / HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a tunnel", "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a star without OPTIONS", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    // Targets
    PROBE("encoded NUL in a path", "GET /echo%00x HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("encoded NUL in a query", "GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("NUL in a path", "GET /echo\0x HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("encoded slash", "GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("encoded slash in lower case", "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a cut percent code", "GET /a%2 HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a bad percent code", "GET /a%zz HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a path that is no UTF-8", "GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("an encoded surrogate", "GET /%ed%a0%80 HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a raw byte over 127", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("a fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("an absolute target without host", "GET http:///a HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    PROBE("an absolute target with a user", "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", 400, ""),
    // What must work
    PROBE("no body", "GET / HTTP/1.1\r\n" HOST "\r\n", 0, ""),
    PROBE("length 0", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0, ""),
    PROBE("length 5", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 0, "hello"),
    PROBE("a body on DELETE", "DELETE / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n[]", 0, "[]"),
    PROBE(
        "blanks around a value",
        "POST / HTTP/1.1\r\n" HOST "content-length:\t 5 \t\r\n\r\nhello",
        0,
        "hello"
    ),
    PROBE(
        "chunked",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        0,
        "hello"
    ),
    PROBE(
        "chunk extensions and trailers",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n005;a=\"b\";c\r\nhello\r\nA "
        "; x\r\n, world!!!\r\n00;last\r\nT: 1\r\nU: 2\r\n\r\n",
        0,
        "hello, world!!!"
    ),
    PROBE(
        "chunks holding CR LF",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n",
        0,
        "\r\n\r\n"
    ),
    PROBE(
        "an empty chunked body",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        0,
        ""
    ),
    PROBE("an absolute target", "GET HTTP://b:80?x=1 HTTP/1.1\r\n" HOST "\r\n", 0, ""),
    PROBE("OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, ""),
    PROBE("an unknown method", "BREW /pot HTTP/1.1\r\n" HOST "\r\n", 0, ""),
    PROBE("an empty line before", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, ""),
    PROBE("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, ""),
    PROBE("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0, ""),
    PROBE("bytes over 127 in a value", "GET / HTTP/1.1\r\n" HOST "A: \xc3\xa9\r\n\r\n", 0, ""),
    PROBE(
        "an expectation with its body",
        "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
        0,
        "x"
    ),
};

enum {
    PROBE_COUNT = sizeof(probes) / sizeof(probes[0]),
    PROBE_BODY_BYTES_MAX = 64,
};
