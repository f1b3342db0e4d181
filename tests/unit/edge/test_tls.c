/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections through TLS, with OpenSSL as the client at the other end of a
 * socket pair: which are made, what they carry, and a certificate that changes.
 */
#include "tests/unit/edge/connection_stage.h"
#include "tests/unit/logged.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>

Suite *suite_edge_tls(void);

#define ASK "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static char cert_file[128], key_file[128];
static EVP_PKEY *key;

static void s_write_key(void)
{
    EVP_PKEY_free(key);
    key = EVP_EC_gen("P-256");
    FILE *file = fopen(key_file, "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

static void s_write_cert(long serial)
{
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_set_pubkey(cert, key);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_sign(cert, key, EVP_sha256());
    FILE *file = fopen(cert_file, "w");
    PEM_write_X509(file, cert);
    fclose(file);
    X509_free(cert);
}

static void s_start(void)
{
    s_setup();
    snprintf(cert_file, sizeof cert_file, "%s/cert.pem", folder);
    snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
    s_write_key();
    s_write_cert(1);
    tls = tls_new(cert_file, key_file);
    ck_assert_ptr_nonnull(tls);
}

static void s_end(void)
{
    EVP_PKEY_free(key);
    key = NULL;
    s_teardown();
}

/* A client that has said nothing yet. */
static void s_client(void)
{
    SSL_free(ssl);
    ssl = NULL;
    SSL_CTX_free(client);
    client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(client, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* Goes on with the handshake: whether it comes to its end. */
static bool s_shake_hands(void)
{
    for (int i = 0; i < 100; i++) {
        int done = SSL_connect(ssl);
        int why = SSL_get_error(ssl, done);
        ERR_clear_error();
        if (done == 1)
            return true;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return false;
        s_turn();
    }
    return false;
}

static void s_begin(void)
{
    ssl = SSL_new(client);
    SSL_set_fd(ssl, fd);
}

/* Whether the connection is made. */
static bool s_connect(void)
{
    s_open_pair();
    s_begin();
    return s_shake_hands();
}

static void s_connect_well(void)
{
    s_client();
    ck_assert(s_connect());
}

static long s_serial(void)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(cert));
    X509_free(cert);
    return serial;
}

START_TEST(requests_are_answered_through_tls)
{
    s_connect_well();
    ck_assert_int_eq(SSL_version(ssl), TLS1_3_VERSION);
    s_say(ASK);
    s_say(ASK);
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 2);
    ck_assert(!ended);
}
END_TEST

START_TEST(an_idle_connection_keeps_nobody_awake)
{
    s_connect_well();
    s_say(ASK);
    struct pollfd events = {.fd = uv_backend_fd(&loop), .events = POLLIN};
    ck_assert_int_eq(poll(&events, 1, 0), 0);
    ck_assert(!ended);
}
END_TEST

START_TEST(several_requests_of_one_record_are_answered)
{
    s_connect_well();
    s_say(ASK ASK ASK ASK ASK ASK ASK ASK ASK ASK);
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 10);
}
END_TEST

START_TEST(a_long_answer_arrives_whole)
{
    s_connect_well();
    s_say("GET /big.png HTTP/1.1\r\nHost: x\r\n\r\n");
    char *body = strstr(got, "\r\n\r\n") + 4;
    ck_assert_uint_eq(got_size - (size_t)(body - got), FILE_BYTES);
    uint32_t noise = 1;
    for (int i = 0; i < FILE_BYTES; i++)
        if ((uint8_t)body[i] != (noise = noise * 1664525 + 1013904223) >> 24)
            ck_abort_msg("byte %d", i);
}
END_TEST

START_TEST(a_head_and_its_body_are_one_record)
{
    s_connect_well();
    s_say(ASK);
    s_forget();
    ck_assert_int_gt(SSL_write(ssl, ASK, sizeof ASK - 1), 0);
    s_turn();
    char bytes[16384];
    int size = SSL_read(ssl, bytes, sizeof bytes - 1);
    ck_assert_int_gt(size, 0);
    bytes[size] = '\0';
    ck_assert_ptr_nonnull(strstr(bytes, "<p>page</p>"));
}
END_TEST

START_TEST(the_end_is_said_by_tls_too)
{
    s_connect_well();
    s_say("GET / HTTP/1.0\r\n\r\n");
    ck_assert(ended);
    ck_assert(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    s_connect_well();
    s_pass(CONNECTION_FIRST_S);
    ck_assert(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
}
END_TEST

START_TEST(a_peer_that_says_the_end_is_gone)
{
    s_connect_well();
    SSL_shutdown(ssl);
    s_turn();
    s_turn();
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(a_handshake_has_ten_seconds)
{
    s_client();
    s_open_pair();
    s_pass(CONNECTION_FIRST_S - 1);
    ck_assert(!s_is_gone());
    s_pass(1);
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(a_handshake_goes_on_when_the_socket_takes_more)
{
    static const address_t nobody;
    static char filler[4096];
    int pair[2];
    size_t filled = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    for (ssize_t sent;
         (sent = send(pair[1], filler, sizeof filler, MSG_NOSIGNAL)) > 0;)
        filled += (size_t)sent;
    fd = pair[0];
    http1_open(&edge, poller, tls, pair[1], connection_new(&edge, &nobody));
    s_client();
    s_begin();
    BIO *nothing = BIO_new(BIO_s_mem()); /* what is there is the filler */
    SSL_set0_rbio(ssl, nothing);
    ck_assert(!s_shake_hands());
    while (filled) {
        ssize_t read = recv(fd, filler, sizeof filler, 0);
        ck_assert_int_gt(read, 0);
        filled -= (size_t)read;
    }
    SSL_set_fd(ssl, fd);
    ck_assert(s_shake_hands());
    s_say(ASK);
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 1);
}
END_TEST

START_TEST(who_does_not_speak_tls_is_gone)
{
    s_client();
    s_open_pair();
    s_say(ASK);
    ck_assert(s_is_gone());
    ck_assert_uint_eq(s_count("HTTP/1.1"), 0);
}
END_TEST

/* ---- what is agreed upon --------------------------------------------- */

START_TEST(version_1_2_is_spoken_with_an_aead_only)
{
    static const struct {
        const char *ciphers;
        bool made;
    } cases[] = {{"ECDHE-ECDSA-AES128-GCM-SHA256", true},
                 {"ECDHE-ECDSA-AES256-GCM-SHA384", true},
                 {"ECDHE-ECDSA-CHACHA20-POLY1305", true},
                 {"ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA", false},
                 {"ECDHE-ECDSA-AES256-CCM", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_client();
        SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
        ck_assert_int_eq(SSL_CTX_set_cipher_list(client, cases[i].ciphers), 1);
        ck_assert_msg(s_connect() == cases[i].made, "%s", cases[i].ciphers);
    }
}
END_TEST

START_TEST(older_versions_are_refused)
{
    s_client();
    SSL_CTX_set_security_level(client, 0);
    SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
    ck_assert(!s_connect());
}
END_TEST

START_TEST(of_protocols_it_knows_http_1_1_alone)
{
    static const struct {
        const char *offer; /* each behind its length */
        bool made;
    } cases[] = {{"\x08http/1.1", true},
                 {"\x02h2\x08http/1.1", true},
                 {"\x02h2", false},
                 {"\x08http/1.0", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned char *taken;
        unsigned size = 0;
        s_client();
        SSL_CTX_set_alpn_protos(client, (const void *)cases[i].offer,
                                (unsigned)strlen(cases[i].offer));
        ck_assert_msg(s_connect() == cases[i].made, "%zu", i);
        if (!cases[i].made)
            continue;
        SSL_get0_alpn_selected(ssl, &taken, &size);
        ck_assert_uint_eq(size, 8);
        ck_assert_mem_eq(taken, "http/1.1", 8);
    }
}
END_TEST

/* ---- certificates ---------------------------------------------------- */

START_TEST(a_certificate_without_its_key_is_unusable)
{
    char nothing[160];
    snprintf(nothing, sizeof nothing, "%s/none.pem", folder);
    ck_assert_ptr_null(tls_new(nothing, key_file));
    ck_assert_ptr_null(tls_new(cert_file, nothing));
    ck_assert_ptr_null(tls_new(key_file, cert_file));
    s_write_key();
    ck_assert_ptr_null(tls_new(cert_file, key_file)); /* another's */
}
END_TEST

START_TEST(a_changed_certificate_is_for_those_that_come)
{
    s_connect_well();
    ck_assert_int_eq(s_serial(), 1);
    tls_watch(tls); /* nothing changed */
    s_write_cert(2000);
    s_say(ASK);
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 1);
    s_connect_well();
    ck_assert_int_eq(s_serial(), 1); /* not before it is looked at */
    tls_watch(tls);
    s_say(ASK); /* who is there stays */
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 1);
    s_connect_well();
    ck_assert_int_eq(s_serial(), 2000);
}
END_TEST

/* Reads the files anew; whether the log says that this went well. */
static bool s_says_that_it_reloads(void)
{
    s_log_catch();
    tls_reload(tls);
    const char *text = s_logged();
    s_log_release();
    return strstr(text, "certificate_loaded");
}

START_TEST(the_operator_is_told_that_a_certificate_was_taken)
{
    ck_assert(s_says_that_it_reloads());
    s_write_key(); /* it does not fit */
    ck_assert(!s_says_that_it_reloads());
}
END_TEST

START_TEST(an_unusable_certificate_leaves_the_one_in_force)
{
    s_write_key(); /* it does not fit */
    tls_watch(tls);
    s_connect_well();
    ck_assert_int_eq(s_serial(), 1);
    s_write_cert(3);
    tls_reload(tls);
    s_connect_well();
    ck_assert_int_eq(s_serial(), 3);
    tls_watch(NULL);
    tls_reload(NULL);
}
END_TEST

Suite *suite_edge_tls(void)
{
    Suite *suite = suite_create("edge/tls");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_start, s_end);
    tcase_add_test(all, requests_are_answered_through_tls);
    tcase_add_test(all, an_idle_connection_keeps_nobody_awake);
    tcase_add_test(all, several_requests_of_one_record_are_answered);
    tcase_add_test(all, a_long_answer_arrives_whole);
    tcase_add_test(all, a_head_and_its_body_are_one_record);
    tcase_add_test(all, the_end_is_said_by_tls_too);
    tcase_add_test(all, a_peer_that_says_the_end_is_gone);
    tcase_add_test(all, a_handshake_has_ten_seconds);
    tcase_add_test(all, a_handshake_goes_on_when_the_socket_takes_more);
    tcase_add_test(all, who_does_not_speak_tls_is_gone);
    tcase_add_test(all, version_1_2_is_spoken_with_an_aead_only);
    tcase_add_test(all, older_versions_are_refused);
    tcase_add_test(all, of_protocols_it_knows_http_1_1_alone);
    tcase_add_test(all, a_certificate_without_its_key_is_unusable);
    tcase_add_test(all, a_changed_certificate_is_for_those_that_come);
    tcase_add_test(all, the_operator_is_told_that_a_certificate_was_taken);
    tcase_add_test(all, an_unusable_certificate_leaves_the_one_in_force);
    suite_add_tcase(suite, all);
    return suite;
}
