/* SPDX-License-Identifier: Apache-2.0
 *
 * See ws_client.h.
 */
#include "load/ws_client.h"

#include "common/backoff.h"
#include "common/wire.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define HEAD_MAX_BYTES 8192

void ws_nonce_init(ws_nonce_t *self)
{
    uint64_t nonce[2] = {random_u64(), random_u64()};
    char text[WS_KEY_BYTES + sizeof GUID];
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length;

    EVP_EncodeBlock((unsigned char *)self->key, (unsigned char *)nonce, 16);
    int size = snprintf(text, sizeof text, "%s%s", self->key, GUID);
    EVP_Digest(text, (size_t)size, sum, &length, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)self->accept, sum, (int)length);
}

size_t ws_put_upgrade(char *text, size_t size, const char *host, uint64_t since,
                      const char *token, const ws_nonce_t *nonce)
{
    int length = snprintf(text, size,
                          "GET /api/v1/ws?since=%" PRIu64 " HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Key: %s\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: %s\r\n"
                          "%s%s%s\r\n",
                          since, host, nonce->key, WIRE_PROTOCOL,
                          token ? "Authorization: Bearer " : "",
                          token ? token : "", token ? "\r\n" : "");
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* Start of the value of header `name` in a head that ends at `end`, or NULL. */
static const char *s_header(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = head; line && line < end;) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line || (size_t)(end - ++line) <= length)
            return NULL;
        if (!strncasecmp(line, name, length) && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

ws_answer_t ws_read_answer(const char *text, size_t size,
                           const ws_nonce_t *nonce, size_t *used, int *status)
{
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    if (!end)
        return size < HEAD_MAX_BYTES ? WS_MORE : WS_BROKEN;
    if (size < 12 || memcmp(text, "HTTP/1.1 ", 9) || text[12] != ' ')
        return WS_BROKEN;
    *status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + text[11] - '0';
    if (*status != 101)
        return WS_REFUSED;
    const char *accept = s_header(text, end, "Sec-WebSocket-Accept");
    const char *protocol = s_header(text, end, "Sec-WebSocket-Protocol");
    /* Both values lie before `end`, so a compare may run into the head's last
     * four bytes but not past them. */
    if (!accept || !protocol ||
        strncmp(accept, nonce->accept, WS_ACCEPT_BYTES - 1) ||
        strncmp(protocol, WIRE_PROTOCOL "\r\n", sizeof WIRE_PROTOCOL + 1))
        return WS_BROKEN;
    *used = (size_t)(end - text) + 4;
    return WS_OPEN;
}

int ws_read_head(ws_frame_t *frame, const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    if (bytes[0] & 0x70 || bytes[1] & 0x80)
        return -1;
    frame->fin = bytes[0] >> 7;
    frame->opcode = bytes[0] & 0x0f;
    frame->head = 2;
    frame->length = bytes[1];
    if (bytes[1] == 126) {
        frame->head = 4;
        if (size < 4)
            return 0;
        frame->length = (uint32_t)bytes[2] << 8 | bytes[3];
    } else if (bytes[1] == 127) {
        frame->head = 10;
        if (size < 10)
            return 0;
        uint64_t length = 0;
        for (int i = 2; i < 10; i++)
            length = length << 8 | bytes[i];
        if (length > WS_FRAME_MAX)
            return -1;
        frame->length = (uint32_t)length;
    }
    return 1;
}

size_t ws_put_head(uint8_t bytes[WS_HEAD_MAX], ws_opcode_t opcode,
                   uint32_t length)
{
    size_t size = 2;
    bytes[0] = 0x80 | (uint8_t)opcode;
    if (length < 126) {
        bytes[1] = 0x80 | (uint8_t)length;
    } else if (length < 65536) {
        bytes[1] = 0x80 | 126;
        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        size = 4;
    } else {
        bytes[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            bytes[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        size = 10;
    }
    memset(bytes + size, 0, 4);
    return size + 4;
}
