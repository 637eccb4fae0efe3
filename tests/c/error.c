/* Errors: kinds, numbers, words, JSON; what is NULL. */
#include "test.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void numbers(void)
{
    check(NETBERTH_KIND_INVALID == -1 && NETBERTH_KIND_NOT_FOUND == -2);
    check(NETBERTH_KIND_EXISTS == -3 && NETBERTH_KIND_IN_USE == -4);
    check(NETBERTH_KIND_EXHAUSTED == -5 && NETBERTH_KIND_DENIED == -6);
    check(NETBERTH_KIND_UNSUPPORTED == -7 && NETBERTH_KIND_KERNEL == -8);
    check(NETBERTH_KIND_STORE == -9 && NETBERTH_KIND_BUSY == -10);
    check(NETBERTH_KIND_TIMEOUT == -11 && NETBERTH_KIND_BUG == -12);
}

static void null(struct test *t)
{
    netberth_error *err = NULL;
    char untouched = 0, *out = &untouched;

    fails(netberth_network_list(NULL, NULL, 0, &out, &err), NETBERTH_KIND_INVALID, "nb is NULL");
    fails(netberth_network_get(t->nb, NULL, 0, &out, &err), NETBERTH_KIND_INVALID,
          "network is NULL");
    fails(netberth_network_list(t->nb, NULL, 0, NULL, &err), NETBERTH_KIND_INVALID, "is NULL");
    fails(netberth_network_get(t->nb, "\xff", 0, &out, &err), NETBERTH_KIND_INVALID,
          "network is not UTF-8");
    check(out == &untouched);
    check(netberth_network_get(t->nb, "no-such", 0, &out, NULL) == NETBERTH_KIND_NOT_FOUND);
    check(out == &untouched);
    netberth_close(NULL);
    netberth_error_free(NULL);
    netberth_string_free(NULL);
    check(netberth_error_code(NULL) == 0 && netberth_error_errno(NULL) == 0);
    check(strcmp(netberth_error_message(NULL), "") == 0);
    check(strcmp(netberth_error_json(NULL), "{}") == 0);
}

static void contents(struct test *t)
{
    netberth_error *err = NULL;
    netberth *nb = NULL;
    char *out = NULL, config[512];

    check(netberth_network_get(t->nb, "no-such", 0, &out, &err) == NETBERTH_KIND_NOT_FOUND);
    check(out == NULL && err != NULL);
    check(netberth_error_code(err) == NETBERTH_KIND_NOT_FOUND);
    check(netberth_error_errno(err) == 0);
    check(strcmp(netberth_error_message(err), "network no-such not found") == 0);
    check(strstr(netberth_error_json(err), "\"kind\":\"not_found\"") != NULL);
    check(strstr(netberth_error_json(err), "\"errno\"") == NULL);
    netberth_error_free(err);

    err = NULL;
    snprintf(config, sizeof config, "{\"state_dir\":\"%s/other\",\"run_dir\":\"/dev/null/run\"}",
             t->directory);
    check(netberth_open(config, &nb, &err) < 0);
    check(nb == NULL && err != NULL);
    check(netberth_error_errno(err) == ENOTDIR);
    check(strncmp(netberth_error_message(err), "open ", 5) == 0);
    check(strstr(netberth_error_message(err), ": not a directory (ENOTDIR)") != NULL);
    check(strstr(netberth_error_json(err), "\"errno\":20") != NULL);
    check(strstr(netberth_error_json(err), "\"doing\":[\"open ") != NULL);
    netberth_error_free(err);

    err = NULL;
    fails(netberth_network_create(t->nb, "{\"name\":\"x\",\"colour\":1}", &out, &err),
          NETBERTH_KIND_INVALID, "unknown key `colour`");
    fails(netberth_network_create(t->nb, "{", &out, &err), NETBERTH_KIND_INVALID, "line 1 column");
    fails(netberth_network_create(t->nb, "", &out, &err), NETBERTH_KIND_INVALID, "empty body");
    fails(netberth_network_list(t->nb, NULL, 64, &out, &err), NETBERTH_KIND_INVALID, "0x40");
    fails(netberth_network_delete(t->nb, "bridge", NETBERTH_VERBOSE, &err), NETBERTH_KIND_INVALID,
          "flags");
    check(out == NULL);
}

void test_error(struct test *t)
{
    group("errors");
    numbers();
    null(t);
    contents(t);
}
